// Short spellings for the rows of the option table; included by the two table headers only.
//
// Thread safety, ownership: constexpr functions over literals.
#pragma once

#include <array>
#include <cstddef>

#include "config/option_table.h"

namespace mantis::config {

constexpr uint16_t Flags(int flags) { return static_cast<uint16_t>(flags); }

// Rows with an effect; `Accepted*` below build those without.
constexpr Option BoolRow(Section section, std::string_view name, std::string_view text, Field field,
                         std::string_view help, int flags = kNone) {
  return {.name = name,
          .kind = Kind::kBool,
          .flags = Flags(flags),
          .section = section,
          .default_text = text,
          .field = field,
          .help = help};
}

constexpr Option IntRow(Section section, std::string_view name, std::string_view text, Field field,
                        int64_t min, int64_t max, std::string_view help, int flags = kNone,
                        std::string_view alias = {}) {
  return {.name = name,
          .kind = Kind::kInteger,
          .flags = Flags(flags),
          .section = section,
          .default_text = text,
          .field = field,
          .help = help,
          .min = min,
          .max = max,
          .alias = alias};
}

constexpr Option MemoryRow(Section section, std::string_view name, std::string_view text,
                           Field field, int64_t min, std::string_view help, int flags = kNone,
                           std::string_view alias = {}) {
  return {.name = name,
          .kind = Kind::kMemory,
          .flags = Flags(flags),
          .section = section,
          .default_text = text,
          .field = field,
          .help = help,
          .min = min,
          .alias = alias};
}

constexpr Option TextRow(Section section, std::string_view name, std::string_view text, Field field,
                         Kind kind, std::string_view help, int flags = kNone) {
  return {.name = name,
          .kind = kind,
          .flags = Flags(flags),
          .section = section,
          .default_text = text,
          .field = field,
          .help = help};
}

constexpr Option EnumRow(Section section, std::string_view name, std::string_view text, Field field,
                         std::string_view choices, std::string_view help, int flags = kNone) {
  return {.name = name,
          .kind = Kind::kEnum,
          .flags = Flags(flags),
          .section = section,
          .default_text = text,
          .field = field,
          .help = help,
          .choices = choices};
}

constexpr Option AcceptedBool(std::string_view name, std::string_view text, int flags = kNone,
                              std::string_view alias = {}) {
  return {.name = name,
          .kind = Kind::kBool,
          .flags = Flags(flags | kAccepted),
          .default_text = text,
          .alias = alias};
}

constexpr Option AcceptedInt(std::string_view name, std::string_view text, int64_t min, int64_t max,
                             int flags = kNone, std::string_view alias = {}) {
  return {.name = name,
          .kind = Kind::kInteger,
          .flags = Flags(flags | kAccepted),
          .default_text = text,
          .min = min,
          .max = max,
          .alias = alias};
}

constexpr Option AcceptedMemory(std::string_view name, std::string_view text, int64_t min,
                                int flags = kNone) {
  return {.name = name,
          .kind = Kind::kMemory,
          .flags = Flags(flags | kAccepted),
          .default_text = text,
          .min = min};
}

constexpr Option AcceptedText(std::string_view name, std::string_view text, int flags = kNone,
                              Kind kind = Kind::kString, std::string_view alias = {}) {
  return {.name = name,
          .kind = kind,
          .flags = Flags(flags | kAccepted),
          .default_text = text,
          .alias = alias};
}

constexpr Option AcceptedEnum(std::string_view name, std::string_view text,
                              std::string_view choices, int flags = kNone,
                              Kind kind = Kind::kEnum) {
  return {.name = name,
          .kind = kind,
          .flags = Flags(flags | kAccepted),
          .default_text = text,
          .choices = choices};
}

// A line a file may hold that is no option; `min` is the least number of its arguments.
constexpr Option DirectiveRow(std::string_view name, int64_t arguments_min, int64_t arguments_max) {
  return {.name = name,
          .kind = Kind::kDirective,
          .flags = Flags(kAccepted | kHidden | kMultiArg),
          .min = arguments_min,
          .max = arguments_max};
}

// A value other than the default would promise what is not given: `sentence` says what, and how to
// go on without.
constexpr Option Promise(std::string_view sentence, Option row) {
  row.flags = Flags(row.flags | kRefused);
  row.consequence = sentence;
  return row;
}

// The same where the server can go on: a warning of its own.
constexpr Option Caution(std::string_view sentence, Option row) {
  row.consequence = sentence;
  return row;
}

constexpr Option Because(NoEffect reason, Option row) {
  row.no_effect = reason;
  return row;
}

template <size_t N>
constexpr std::array<Option, N> Rows(const Option (&rows)[N]) {
  std::array<Option, N> all{};
  for (size_t i = 0; i < N; ++i) all[i] = rows[i];
  return all;
}

template <size_t N>
constexpr std::array<Option, N> Because(NoEffect reason, std::array<Option, N> rows) {
  for (Option& row : rows) row.no_effect = reason;
  return rows;
}

}  // namespace mantis::config
