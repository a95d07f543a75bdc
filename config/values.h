// The values of all options as canonical text, and the way from there to typed Settings.
//
// Purpose: one representation for real and merely accepted options: the text CONFIG GET prints
// (memory in bytes, yes/no, lists joined by blanks). Parsing a value checks it and gives this
// text; Settings are then built from texts that are known to be good.
// Thread safety: plain values and pure functions.
// Invariants: a Values holds one canonical text per row of the table, in table order.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/option_table.h"
#include "config/settings.h"

namespace mantis::config {

class Values {
 public:
  Values();  // every option at its default

  [[nodiscard]] const std::string& Text(size_t index) const { return texts_[index]; }
  [[nodiscard]] bool IsDefault(size_t index) const;
  // Whether the row promises something that its value would not bring about.
  [[nodiscard]] bool IsRefused(size_t index) const;

  // Checks `words` against row `index` and stores them. Returns Redis's words for what is wrong.
  // With `accumulate` the save points given are added to those already there.
  [[nodiscard]] std::optional<std::string> Assign(size_t index, std::span<const std::string> words,
                                                  bool accumulate = false);

  [[nodiscard]] Settings Build() const;

 private:
  std::vector<std::string> texts_;
};

// The canonical text of row `index`'s default.
[[nodiscard]] const std::string& DefaultText(size_t index);

// What a row wants, for a person: "a memory size such as 100mb", "yes or no".
[[nodiscard]] std::string Expectation(const Option& option);

// Splits what CONFIG SET or a variable brings for one option into the words its row takes.
[[nodiscard]] std::vector<std::string> SplitForOption(const Option& option, std::string_view value);

// The directive lines that say this value in a file; several for save and the buffer limits.
[[nodiscard]] std::vector<std::string> FileLines(size_t index, const std::string& text);

}  // namespace mantis::config
