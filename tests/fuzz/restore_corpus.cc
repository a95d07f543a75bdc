// restore_corpus FOLDER: writes inputs for restore_fuzz to begin with, values of every type and
// encoding.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/support/sample_values.h"

namespace mantis::persist {
namespace {

// The encodings that are only read; a value each.
constexpr std::pair<const char*, std::string_view> kFormer[] = {
    {"list",
     {"\x01\x02\x01"
      "a\xc0\x05",
      6}},
    {"sorted set in decimal",
     {"\x03\x02\x01"
      "a\x03"
      "1.5\x01"
      "b\xff",
      11}},
    {"zipmap",
     {"\x09\x10\x02\x02"
      "f1\x02\x00"
      "v1\x02"
      "f2\x02\x00"
      "v2\xff",
      18}},
    {"ziplist of a list",
     {"\x0a\x13\x13\0\0\0\x0e\0\0\0\x03\0\0\x02"
      "f1\x04\xf2\x02\x01"
      "a\xff",
      21}},
    {"ziplist of a hash",
     {"\x0d\x1b\x1b\0\0\0\x16\0\0\0\x04\0\0\x02"
      "f1\x04\x02v1\x04\x02"
      "f2\x04\x02v2\xff",
      29}},
    {"ziplist of a sorted set",
     {"\x0c\x19\x19\0\0\0\x16\0\0\0\x04\0\0\x03one\x05\xf2\x02\x03two\x05\xf3\xff", 27}},
    {"ziplists of a list", {"\x0e\x01\x0d\x0d\0\0\0\x0a\0\0\0\x01\0\0\xf8\xff", 16}},
    {"plain node",
     {"\x12\x01\x01\x03"
      "abc",
      7}},
    {"set listpack",
     {"\x14\x0c\x0c\0\0\0\x02\0\x81"
      "a\x02\x01\x01\xff",
      14}},
};

void Write(const std::filesystem::path& folder, std::string name, char limits, Bytes value) {
  for (char& c : name) c = c == ' ' ? '_' : c;
  std::ofstream out(folder / name, std::ios::binary);
  out.put(limits);
  out.write(value.data(), static_cast<std::streamsize>(value.size()));
}

int Run(const std::filesystem::path& folder) {
  constexpr size_t kBytesMax = 2000;
  std::filesystem::create_directories(folder);
  for (const auto& [name, value] : kFormer) Write(folder, name, 0, value);
  ValueLimits tiny;
  tiny.list_max_listpack_size = 3;
  tiny.hash_max_listpack_entries = tiny.set_max_intset_entries = 2;
  tiny.set_max_listpack_entries = tiny.zset_max_listpack_entries = 2;
  for (const auto& [name, value] : test::SampleValues(tiny)) {
    for (const uint16_t version : {kRdbVersionWritten, kRdbVersionReadMax}) {
      std::string bytes;
      RdbWriter out(&bytes, RdbWriter::Compression::kNone, version);
      (void)EncodeValue(value.word(), out);
      if (bytes.size() > kBytesMax) continue;
      Write(folder, name + " v" + std::to_string(version), 0x21, bytes);
    }
  }
  return 0;
}

}  // namespace
}  // namespace mantis::persist

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: restore_corpus FOLDER\n";
    return 2;
  }
  return mantis::persist::Run(argv[1]);
}
