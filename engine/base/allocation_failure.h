// What happens when memory cannot be had.
//
// Large blocks (kLargeBlock and more) are refused by std::bad_alloc where somebody is prepared for
// it: on a thread that is inside a MayFail and not inside a MustSucceed. The dispatcher puts a
// MayFail around every command, so a command that asks for more than there is fails, and not the
// process. Everywhere else, and for all smaller blocks, the allocation takes what it needs from a
// reserve: address space that is kept for that, and that costs no memory as long as it is not
// used. Only when the reserve is gone as well the process ends.
//
// While the reserve is spent the owner of the process (OnReserveSpent) should let nothing begin
// that needs memory, and try FillReserve now and then.
//
// What must not be left half done (the commit of a change, an edit of an object that is in the
// keyspace) is inside a MustSucceed. It calls Ensure before it begins if it may need much.
//
// Thread safety: the scopes belong to their thread; functions may be called from any thread.
// Units: bytes.
#pragma once

#include <cstddef>

namespace mantis::memory {

constexpr size_t kLargeBlock = size_t{1} << 20;

namespace internal {
struct FailureState {
  bool may_fail = false;
  int must_succeed = 0;
};
inline constinit thread_local FailureState failure_state;
}  // namespace internal

// Large allocations of this thread may throw std::bad_alloc: the caller is prepared for it. Nests.
class MayFail {
 public:
  MayFail() : before_(internal::failure_state) { internal::failure_state = {true, 0}; }
  ~MayFail() { internal::failure_state = before_; }
  MayFail(const MayFail&) = delete;
  MayFail& operator=(const MayFail&) = delete;

 private:
  internal::FailureState before_;
};

// No allocation of this thread throws. Nests.
class MustSucceed {
 public:
  MustSucceed() { ++internal::failure_state.must_succeed; }
  ~MustSucceed() { --internal::failure_state.must_succeed; }
  MustSucceed(const MustSucceed&) = delete;
  MustSucceed& operator=(const MustSucceed&) = delete;
};

// Lifts the MustSucceeds around it, for a part of an edit that comes before the first change.
class NothingChangedYet {
 public:
  NothingChangedYet() : before_(internal::failure_state.must_succeed) {
    internal::failure_state.must_succeed = 0;
  }
  ~NothingChangedYet() { internal::failure_state.must_succeed = before_; }
  NothingChangedYet(const NothingChangedYet&) = delete;
  NothingChangedYet& operator=(const NothingChangedYet&) = delete;

 private:
  int before_;
};

[[nodiscard]] inline bool FailureAllowed() {
  return internal::failure_state.may_fail && internal::failure_state.must_succeed == 0;
}

// Throws std::bad_alloc if `bytes` bytes cannot be had now; does nothing where that is not allowed,
// or for little. Another thread may take the memory before the caller does: what is missing then
// comes from the reserve. O(1): the memory is not touched.
void EnsureLarge(size_t bytes);
inline void Ensure(size_t bytes) {
  if (bytes >= kLargeBlock) [[unlikely]]
    EnsureLarge(bytes);
}

// Takes the reserve from the system, or what was given up of it: true if all of it is there. Its
// size is fixed by the first call: `bytes`, or what can be had. 0: as before.
bool FillReserve(size_t bytes = 0);
[[nodiscard]] bool ReserveSpent();
// `spent` is called, on the thread that needs the memory, each time the reserve is given up. Set
// before threads begin. It must not allocate.
void OnReserveSpent(void (*spent)());

// For the allocator (memory.cc). Returns true if some of the reserve was given up just now, by this
// or another thread, so that it is worth trying again.
[[nodiscard]] bool GiveUpReserve();

}  // namespace mantis::memory
