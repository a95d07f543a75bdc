// Writing INFO's lines, and the functions that write one section each.
//
// Thread safety: as MakeInfo. Ownership: a writer owns its text.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace mantis::server {

struct SharedState;

class InfoText {
 public:
  // Begins a section, parted from the one before by an empty line.
  void Section(std::string_view title);
  void Field(std::string_view name, std::string_view value);
  void Field(std::string_view name, std::integral auto value) {
    Field(name, std::string_view(std::to_string(value)));
  }
  void Fixed(std::string_view name, double value, int decimals, std::string_view suffix = {});
  // name:bytes and name_human:1.50M
  void Bytes(std::string_view name, int64_t bytes);
  // Several names whose value is always 0 here, as this server has no such thing.
  void Zeros(std::initializer_list<std::string_view> names);

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

// "512B", "1.50M", as Redis writes sizes for people.
std::string HumanBytes(int64_t bytes);
std::string FixedText(double value, int decimals);

void InfoServer(SharedState& shared, InfoText& text);
void InfoClients(SharedState& shared, InfoText& text);
void InfoMemory(SharedState& shared, InfoText& text);
void InfoPersistence(SharedState& shared, InfoText& text);
void InfoStats(SharedState& shared, InfoText& text);
void InfoReplication(SharedState& shared, InfoText& text);
void InfoCpu(SharedState& shared, InfoText& text);
void InfoModules(SharedState& shared, InfoText& text);
void InfoCommandStats(SharedState& shared, InfoText& text);
void InfoErrorStats(SharedState& shared, InfoText& text);
void InfoLatencyStats(SharedState& shared, InfoText& text);
void InfoCluster(SharedState& shared, InfoText& text);
void InfoKeyspace(SharedState& shared, InfoText& text);
void InfoMantis(SharedState& shared, InfoText& text);

}  // namespace mantis::server
