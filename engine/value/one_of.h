// A value that has one of several forms, in one word: a pointer whose low bits say which form it
// points at. It is a std::variant of pointers for objects of which there are millions, where the
// eight bytes of a discriminator would cost each of them sixteen.
//
// A form is a class that is one owned pointer and nothing else, and that deals with it as
// std::unique_ptr does: `pointer`, a constructor that takes one over, get() and release().
// Listpack, IntSet and std::unique_ptr itself are. The pointer is never null and a multiple of
// kAlignment.
//
//   OneOf<Listpack, std::unique_ptr<Table>> form;       // the first of them, empty
//   if (const auto pack = form.View<Listpack>()) …      // acts as a const Listpack*
//   if (const auto pack = form.Edit<Listpack>()) …      // acts as a Listpack*
//   Table* table = form.Get<std::unique_ptr<Table>>();  // what the form owns, or nullptr
//   form = std::make_unique<Table>();                   // another form; the old one is freed
//
// An edit takes the form out of the word, so that it may change its pointer, and puts it back when
// it goes out of scope. Until then the value has no form, and must be neither asked nor given one.
// Keep edits short; where all that changes lies behind the pointer, Get is enough.
//
// Thread safety: none. Ownership: owns the form; views and edits own nothing. A view is a copy of
// the pointer: it is void once the OneOf has another form, or an edit has moved what it points at.
// Cost: a mask and a comparison; views and edits are compiled away.
#pragma once

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace mantis {

// A form that somebody else owns, to be read: acts as a pointer to a constant one, perhaps null.
template <class Form>
class FormView {
 public:
  using pointer = typename Form::pointer;

  explicit FormView(pointer owned_elsewhere = nullptr) : form_(owned_elsewhere) {}
  FormView(const FormView& other) : FormView(other.form_.get()) {}
  FormView& operator=(const FormView&) = delete;
  // What the form's destructor would free is not ours.
  ~FormView() { static_cast<void>(form_.release()); }

  explicit operator bool() const { return form_.get() != nullptr; }
  bool operator==(std::nullptr_t) const { return form_.get() == nullptr; }
  const Form* operator->() const { return &form_; }
  // The reference is to a part of the view, so a view that nobody keeps gives none.
  const Form& operator*() const& { return form_; }
  const Form& operator*() const&& = delete;

 private:
  Form form_;
};

// A form that is out of its OneOf for as long as this lives: acts as a pointer to it, perhaps null.
template <class Form>
class [[nodiscard]] FormEdit {
 public:
  using pointer = typename Form::pointer;

  // nullptr edits nothing. Else the word, which must be 0, becomes the form's pointer plus `tag`.
  FormEdit(pointer taken_out, uintptr_t& word, uintptr_t tag)
      : form_(taken_out), word_(word), tag_(tag) {}
  FormEdit(const FormEdit&) = delete;
  FormEdit& operator=(const FormEdit&) = delete;
  ~FormEdit() {
    if (form_.get() == nullptr) return;
    assert(word_ == 0 && "used while it was edited");
    word_ = reinterpret_cast<uintptr_t>(form_.release()) | tag_;
  }

  explicit operator bool() const { return form_.get() != nullptr; }
  // An edit hands out a form that changes, whether it is itself const or not: as a pointer does.
  Form* operator->() const { return &form_; }
  Form& operator*() const { return form_; }

 private:
  mutable Form form_;
  uintptr_t& word_;
  const uintptr_t tag_;
};

template <class... Forms>
class OneOf {
 public:
  static constexpr size_t kAlignment = 8;
  static_assert(sizeof...(Forms) <= kAlignment, "the low bits tell as many forms apart");
  static_assert(((sizeof(Forms) == sizeof(void*)) && ...), "a form is one pointer");
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= kAlignment);

  OneOf() : OneOf(First()) {}
  template <class Form>
  requires(std::same_as<Form, Forms> || ...) OneOf(Form form)
      : word_(reinterpret_cast<uintptr_t>(form.release())) {
    assert(word_ != 0 && (word_ & kTagMask) == 0);
    word_ |= kTag<Form>;
  }
  OneOf(OneOf&& other) noexcept : OneOf() { std::swap(word_, other.word_); }
  OneOf& operator=(OneOf&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~OneOf() { (Free<Forms>() || ...); }

  template <class Form>
  bool Is() const {
    assert(word_ != 0 && "used while it is edited");
    return (word_ & kTagMask) == kTag<Form>;
  }
  // The pointer that the form owns, nullptr if this is another form.
  template <class Form>
  typename Form::pointer Get() const {
    return Is<Form>() ? reinterpret_cast<typename Form::pointer>(word_ & ~kTagMask) : nullptr;
  }
  // Null if this is another form.
  template <class Form>
  FormView<Form> View() const {
    return FormView<Form>(Get<Form>());
  }
  template <class Form>
  FormEdit<Form> Edit() {
    const auto pointer = Get<Form>();
    if (pointer != nullptr) word_ = 0;
    return FormEdit<Form>(pointer, word_, kTag<Form>);
  }

 private:
  using First = std::tuple_element_t<0, std::tuple<Forms...>>;

  static constexpr uintptr_t kTagMask = kAlignment - 1;

  template <class Form>
  static constexpr uintptr_t IndexOf() {
    uintptr_t index = 0;
    static_cast<void>(((std::same_as<Form, Forms> || (++index, false)) || ...));
    return index;
  }
  template <class Form>
  static constexpr uintptr_t kTag = IndexOf<Form>();

  template <class Form>
  bool Free() {
    if (!Is<Form>()) return false;
    static_cast<void>(Form(Get<Form>()));
    return true;
  }

  uintptr_t word_;
};

}  // namespace mantis
