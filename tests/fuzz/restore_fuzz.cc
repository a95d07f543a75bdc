// Fuzzes what RESTORE reads: whatever the bytes are, they are refused or they are a value that can
// be written, read again and is the same then.
//
// The first byte of the input chooses the limits of compact forms, the rest is an encoded value
// without its footer, which only a right checksum could pass.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/persist/rdb_value.h"
#include "tests/support/describe_value.h"

namespace mantis::persist {
namespace {

ValueLimits LimitsFor(uint8_t choice) {
  ValueLimits limits;
  if ((choice & 1) == 0) return limits;
  const size_t entries = choice >> 4;
  limits.list_max_listpack_size = (choice & 2) != 0 ? -1 : static_cast<int>(entries) + 1;
  limits.hash_max_listpack_entries = entries;
  limits.hash_max_listpack_value = 8;
  limits.set_max_intset_entries = entries;
  limits.set_max_listpack_entries = entries;
  limits.set_max_listpack_value = 8;
  limits.zset_max_listpack_entries = entries;
  limits.zset_max_listpack_value = 8;
  return limits;
}

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckValue(Word value, const ValueLimits& limits, uint16_t version) {
  std::string bytes;
  const auto compression =
      version == kRdbVersionWritten ? RdbWriter::Compression::kLzf : RdbWriter::Compression::kNone;
  RdbWriter out(&bytes, compression, version);
  (void)EncodeValue(value, out);
  OwnedValue again;
  Check(DecodeValue(bytes, limits, &again));
  Check(test::Describe(again.word()) == test::Describe(value));
}

void FuzzRestore(Bytes input) {
  if (input.empty()) return;
  const ValueLimits limits = LimitsFor(static_cast<uint8_t>(input[0]));
  OwnedValue value;
  if (!DecodeValue(input.substr(1), limits, &value)) return;
  Check(value.word().has_value());
  CheckValue(value.word(), limits, kRdbVersionWritten);
  CheckValue(value.word(), ValueLimits{}, kRdbVersionReadMax);
  if (!value.word().is_object()) return;
  Object* const object = ObjectOf(value.word());
  const OwnedValue copy(object->Clone());
  Check(test::Describe(copy.word()) == test::Describe(value.word()));
  Check(object->bytes(5) > 0);
}

}  // namespace
}  // namespace mantis::persist

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mantis::persist::FuzzRestore({reinterpret_cast<const char*>(data), size});
  return 0;
}
