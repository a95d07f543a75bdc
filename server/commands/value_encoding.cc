#include "server/commands/value_encoding.h"

namespace mantis::server {
namespace {

// Up to this length Redis keeps a string and its header in one allocation.
constexpr size_t kEmbeddedMax = 44;

}  // namespace

std::string_view EncodingName(Word value) {
  if (value.is_object()) return ObjectOf(value)->encoding();
  const StringRef text(value);
  if (text.is_integer()) return "int";
  if (text.blob()->modified()) return "raw";
  // Numbers beyond an inline word's range are blobs here and integers to Redis.
  if (ParseCanonicalInteger(text.blob()->bytes())) return "int";
  return text.size() <= kEmbeddedMax ? "embstr" : "raw";
}

}  // namespace mantis::server
