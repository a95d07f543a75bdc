// The argument notation of command rows (CommandRow::syntax), parsed into the tree that COMMAND
// DOCS describes: values, tokens, choices and groups, each optional or repeated.
//
//   key            a value; its type follows from its name,
//   stop:string    or is given
//   NX  =          a token, typed as it stands
//   EX seconds     a value behind a token
//   [x]  (x y)     optional; a group in brackets may hold several elements
//   <a | b>        a choice; inside [] the angle brackets may be left out: [a | b]
//   x ...          repeated, once at least unless it is optional; a token before it belongs to
//                  every repetition only inside a group: [(GET pattern) ...]
//
// Thread safety: pure function. Ownership: nodes view into the notation's text.
#pragma once

#include <string_view>
#include <vector>

namespace mantis::server {

struct SyntaxNode {
  enum class Kind { kValue, kToken, kChoice, kBlock };

  Kind kind = Kind::kValue;
  std::string_view name;   // as written; empty for choices and blocks
  std::string_view type;   // of a value, where it is given
  std::string_view token;  // what is typed before a value or block, or the token itself
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  // the token is typed for each of them
  std::vector<SyntaxNode> children;
};

// The notation is a constant of the program: text that does not parse gives what was understood.
std::vector<SyntaxNode> ParseSyntax(std::string_view text);
// True if all of the text is of this notation; a test holds all rows to that.
bool IsSyntax(std::string_view text);

}  // namespace mantis::server
