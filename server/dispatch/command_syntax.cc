#include "server/dispatch/command_syntax.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace mantis::server {
namespace {

constexpr std::string_view kBrackets = "[]()<>|";

// Words that are typed as they stand, although they have no capitals.
constexpr std::string_view kSymbols = "=~*$";

bool IsToken(std::string_view word) {
  if (word.size() == 1 && kSymbols.find(word.front()) != std::string_view::npos) return true;
  bool upper = false;
  for (const char c : word) {
    if (std::islower(static_cast<unsigned char>(c)) != 0) return false;
    upper = upper || std::isupper(static_cast<unsigned char>(c)) != 0;
  }
  return upper;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool at_end() { return Peek().empty(); }
  bool ok() const { return ok_; }

  // Elements up to a closing bracket or '|'.
  std::vector<SyntaxNode> Sequence() {
    std::vector<SyntaxNode> nodes;
    while (true) {
      const std::string_view word = Peek();
      if (word.empty() || word == "]" || word == ")" || word == ">" || word == "|") return nodes;
      nodes.push_back(Element());
    }
  }

 private:
  bool Take(std::string_view word) {
    if (Peek() != word) return false;
    at_ += word.size();
    return true;
  }

  std::string_view Peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size()) return {};
    if (kBrackets.find(text_[at_]) != std::string_view::npos) return text_.substr(at_, 1);
    size_t end = at_;
    while (end < text_.size() && text_[end] != ' ' &&
           kBrackets.find(text_[end]) == std::string_view::npos) {
      ++end;
    }
    return text_.substr(at_, end - at_);
  }

  // Letters, digits, dashes and underscores, and the signs that have a meaning.
  static bool IsWord(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](unsigned char c) {
      return c < 128 &&
             (std::isalnum(c) != 0 ||
              std::string_view("-_:=~*$").find(static_cast<char>(c)) != std::string_view::npos);
    });
  }

  std::string_view Next() {
    const std::string_view word = Peek();
    at_ += word.size();
    return word;
  }

  // What stands between two brackets: one element, a choice, or a block of several.
  SyntaxNode Group(std::string_view closing) {
    std::vector<std::vector<SyntaxNode>> branches;
    do {
      branches.push_back(Sequence());
    } while (Take("|"));
    ok_ = ok_ && Take(closing);
    if (branches.size() == 1) return Wrap(std::move(branches.front()));
    SyntaxNode choice;
    choice.kind = SyntaxNode::Kind::kChoice;
    for (auto& branch : branches) choice.children.push_back(Wrap(std::move(branch)));
    return choice;
  }

  static SyntaxNode Wrap(std::vector<SyntaxNode> nodes) {
    if (nodes.size() == 1) return std::move(nodes.front());
    SyntaxNode block;
    block.kind = SyntaxNode::Kind::kBlock;
    block.children = std::move(nodes);
    return block;
  }

  SyntaxNode Element() {
    const std::string_view word = Next();
    SyntaxNode node;
    if (word == "[") {
      node = Group("]");
      node.optional = true;
    } else if (word == "(" || word == "<") {
      node = Group(word == "(" ? ")" : ">");
    } else if (!IsToken(word)) {
      const size_t colon = word.find(':');
      node.name = word.substr(0, colon);
      if (colon != std::string_view::npos) node.type = word.substr(colon + 1);
      ok_ = ok_ && IsWord(word);
    } else if (StartsArgument(Peek())) {
      node = Element();
      node.token = word;
      return node;
    } else {
      node.kind = SyntaxNode::Kind::kToken;
      node.token = word;
      node.name = word;
    }
    if (Peek() == "...") {
      Next();
      node.multiple = true;
      node.multiple_token = !node.token.empty();
    }
    return node;
  }

  // Whether what follows a token is its argument: a value, a choice or a group.
  static bool StartsArgument(std::string_view word) {
    if (word.empty() || word == "...") return false;
    if (word == "(" || word == "<") return true;
    return kBrackets.find(word.front()) == std::string_view::npos && !IsToken(word);
  }

  std::string_view text_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace

std::vector<SyntaxNode> ParseSyntax(std::string_view text) { return Parser(text).Sequence(); }

bool IsSyntax(std::string_view text) {
  Parser parser(text);
  (void)parser.Sequence();
  return parser.ok() && parser.at_end();
}

}  // namespace mantis::server
