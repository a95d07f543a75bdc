#include "engine/persist/rdb_payload.h"

#include <cstring>

#include "engine/persist/rdb_crc64.h"

namespace mantis::persist {

void SealPayload(uint16_t version, std::string* value) {
  char footer[kRdbFooterBytes];
  std::memcpy(footer, &version, sizeof(version));
  value->append(footer, sizeof(version));
  const uint64_t crc = RdbCrc64(0, *value);
  std::memcpy(footer, &crc, sizeof(crc));
  value->append(footer, sizeof(crc));
}

std::optional<Bytes> OpenPayload(Bytes payload) {
  if (payload.size() < kRdbFooterBytes) return std::nullopt;
  const Bytes value = payload.substr(0, payload.size() - kRdbFooterBytes);
  uint16_t version = 0;
  uint64_t crc = 0;
  std::memcpy(&version, payload.data() + value.size(), sizeof(version));
  std::memcpy(&crc, payload.data() + value.size() + sizeof(version), sizeof(crc));
  if (version > kRdbVersionReadMax) return std::nullopt;
  if (RdbCrc64(0, payload.substr(0, payload.size() - sizeof(crc))) != crc) return std::nullopt;
  return value;
}

}  // namespace mantis::persist
