// Outcome of an engine operation. The engine never formats replies; the server maps these to text.
#pragma once

#include <cstdint>

namespace mantis {

enum class [[nodiscard]] Status : uint8_t{
    kOk,
    kNotFound,   // no such key (expired counts as absent)
    kExists,     // a condition such as NX or RENAMENX failed on an existing key
    kWrongType,  // the key holds another type
    kBusy,       // another operation holds the key or the gate: undo nothing, run the command again
    kNotInteger,  // the value is no 64-bit integer
    kNotFloat,    // the value is no float
    kOverflow,    // an increment would leave the 64-bit range
    kNotFinite,   // an increment would give NaN or infinity
    kTooLarge,    // the string would exceed the size limit
    kTooLong,     // too much work for an event loop: nothing was done, run it on a worker
};

}  // namespace mantis
