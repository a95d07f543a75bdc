#include "tests/bench/bench_report.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace mantis::bench {
namespace {

std::string Fixed(double v, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", digits, v);
  return text;
}

std::string Rate(double v) { return Fixed(v / 1e6, v < 10e6 ? 3 : 1); }

}  // namespace

void TableReporter::ReportRuns(const std::vector<Run>& runs) {
  ConsoleReporter::ReportRuns(runs);
  for (const Run& run : runs) {
    if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
    std::stringstream name(run.run_name.function_name);
    std::string operation, keys, threads, structure;
    std::getline(name, operation, '/');
    std::getline(name, keys, '/');
    std::getline(name, threads, '/');
    std::getline(name, structure, '/');
    auto section = std::find_if(sections_.begin(), sections_.end(),
                                [&](const auto& s) { return s.first == keys; });
    if (section == sections_.end()) section = sections_.insert(section, {keys, Section{}});
    const Row row{operation, threads};
    auto& rows = section->second.rows;
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
    section->second.rates[{row, structure}] = run.counters.at("items_per_second");
  }
}

std::string TableReporter::Markdown() const {
  std::ostringstream out;
  for (const auto& [keys, section] : sections_) {
    out << "\n" << keys << " keys, million operations a second:\n\n| operation | threads |";
    for (const std::string& column : structures_) out << " " << column << " |";
    out << " " << structures_.front() << " ÷ " << structures_.back() << " |\n| --- | ---: |";
    for (size_t i = 0; i <= structures_.size(); ++i) out << " ---: |";
    out << "\n";
    for (const Row& row : section.rows) {
      out << "| " << row.first << " | " << row.second << " |";
      for (const std::string& column : structures_) {
        const auto it = section.rates.find({row, column});
        out << " " << (it == section.rates.end() ? "n/a" : Rate(it->second)) << " |";
      }
      const auto ours = section.rates.find({row, structures_.front()});
      const auto theirs = section.rates.find({row, structures_.back()});
      const bool both = ours != section.rates.end() && theirs != section.rates.end();
      out << " " << (both ? Fixed(ours->second / theirs->second, 1) + "×" : "n/a") << " |\n";
    }
  }
  return out.str();
}

}  // namespace mantis::bench
