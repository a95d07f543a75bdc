// One encoder and one decoder for each type of value, called by rdb_value.cc.
//
// Thread safety and complexity: see rdb_value.h.
#pragma once

#include <memory>

#include "engine/persist/rdb_reader.h"
#include "engine/persist/rdb_writer.h"
#include "engine/value/limits.h"

namespace mantis {
class Hash;
class List;
class Object;
class Set;
class SortedSet;
class Stream;
}  // namespace mantis

namespace mantis::persist {

// Each appends the type byte and the content.
void EncodeList(const List& list, RdbWriter& out);
void EncodeSet(const Set& set, RdbWriter& out);
void EncodeSortedSet(const SortedSet& set, RdbWriter& out);
void EncodeStream(const Stream& stream, RdbWriter& out);
// Returns the version of the format that it needs.
uint16_t EncodeHash(const Hash& hash, RdbWriter& out);

// Each reads what follows a type byte of its type; nullptr if that is not well-formed, or empty
// where such a value cannot be.
std::unique_ptr<Object> DecodeList(RdbType type, RdbReader& in, const ValueLimits& limits);
std::unique_ptr<Object> DecodeSet(RdbType type, RdbReader& in, const ValueLimits& limits);
std::unique_ptr<Object> DecodeSortedSet(RdbType type, RdbReader& in, const ValueLimits& limits);
std::unique_ptr<Object> DecodeStream(RdbType type, RdbReader& in);
std::unique_ptr<Object> DecodeHash(RdbType type, RdbReader& in, const ValueLimits& limits);

}  // namespace mantis::persist
