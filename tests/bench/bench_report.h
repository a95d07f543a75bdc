// Collects the results of engine_bench and prints them as one table per number of keys: a row per
// operation and thread count, a column per structure, and the ratio of the first to the last.
//
// Benchmarks are named "operation/keys/threads/structure".
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mantis::bench {

class TableReporter : public benchmark::ConsoleReporter {
 public:
  // The structures in the order of their columns; the last is the one to compare the first with.
  explicit TableReporter(std::vector<std::string> structures)
      : ConsoleReporter(OO_Tabular), structures_(std::move(structures)) {}
  void ReportRuns(const std::vector<Run>& runs) override;

  // Million operations a second, as Markdown.
  std::string Markdown() const;

 private:
  using Row = std::pair<std::string, std::string>;  // operation, threads
  struct Section {
    std::vector<Row> rows;  // in the order in which they were run
    std::map<std::pair<Row, std::string>, double> rates;
  };
  std::vector<std::string> structures_;
  std::vector<std::pair<std::string, Section>> sections_;  // by number of keys
};

}  // namespace mantis::bench
