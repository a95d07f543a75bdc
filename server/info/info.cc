#include "server/info/info.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "server/dispatch/command.h"
#include "server/info/info_text.h"

namespace mantis::server {
namespace {

struct Section {
  std::string_view name;
  bool by_default;
  void (*write)(SharedState&, InfoText&);
};

constexpr auto kSections = std::to_array<Section>({
    {"server", true, InfoServer},
    {"clients", true, InfoClients},
    {"memory", true, InfoMemory},
    {"persistence", true, InfoPersistence},
    {"stats", true, InfoStats},
    {"replication", true, InfoReplication},
    {"cpu", true, InfoCpu},
    {"modules", true, InfoModules},
    {"commandstats", false, InfoCommandStats},
    {"errorstats", true, InfoErrorStats},
    {"latencystats", false, InfoLatencyStats},
    {"cluster", true, InfoCluster},
    {"keyspace", true, InfoKeyspace},
    {"mantis", true, InfoMantis},
});
static_assert(kSections.size() <= 32);

constexpr InfoSections kAll = (InfoSections{1} << kSections.size()) - 1;

constexpr InfoSections DefaultSections() {
  InfoSections sections = 0;
  for (size_t i = 0; i < kSections.size(); ++i) {
    if (kSections[i].by_default) sections |= InfoSections{1} << i;
  }
  return sections;
}

}  // namespace

InfoSections ChooseSections(std::span<const Bytes> names) {
  if (names.empty()) return DefaultSections();
  InfoSections sections = 0;
  for (const Bytes name : names) {
    if (EqualsIgnoreCase(name, "all") || EqualsIgnoreCase(name, "everything")) return kAll;
    if (EqualsIgnoreCase(name, "default")) sections |= DefaultSections();
    const Bytes wanted = EqualsIgnoreCase(name, "module_list") ? Bytes("modules") : name;
    for (size_t i = 0; i < kSections.size(); ++i) {
      if (EqualsIgnoreCase(wanted, kSections[i].name)) sections |= InfoSections{1} << i;
    }
  }
  return sections;
}

std::string MakeInfo(SharedState& shared, InfoSections sections) {
  InfoText text;
  for (size_t i = 0; i < kSections.size(); ++i) {
    if ((sections >> i & 1) != 0) kSections[i].write(shared, text);
  }
  return text.Take();
}

void InfoText::Section(std::string_view title) {
  if (!text_.empty()) text_ += "\r\n";
  text_.append("# ").append(title).append("\r\n");
}

void InfoText::Field(std::string_view name, std::string_view value) {
  text_.append(name).append(":").append(value).append("\r\n");
}

void InfoText::Fixed(std::string_view name, double value, int decimals, std::string_view suffix) {
  Field(name, FixedText(value, decimals).append(suffix));
}

void InfoText::Bytes(std::string_view name, int64_t bytes) {
  Field(name, bytes);
  Field(std::string(name) + "_human", std::string_view(HumanBytes(bytes)));
}

void InfoText::Zeros(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) Field(name, 0);
}

std::string FixedText(double value, int decimals) {
  char digits[64];
  const int n =
      std::snprintf(digits, sizeof(digits), "%.*f", decimals, std::isfinite(value) ? value : 0.0);
  return {digits, static_cast<size_t>(n)};
}

std::string HumanBytes(int64_t bytes) {
  constexpr std::array<char, 5> kUnits{'K', 'M', 'G', 'T', 'P'};
  if (bytes < 1024) return std::to_string(bytes) + "B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return FixedText(value, 2) + kUnits[unit];
}

}  // namespace mantis::server
