#include "protocol/inline_args.h"

#include <cstddef>

namespace mantis::protocol {
namespace {

// Blanks that may stand between arguments; fewer of them end an argument without quotes.
bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool EndsPlainArg(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads one escape sequence, whose backslash is at `pos`; returns the offset after it.
size_t ReadEscape(std::string_view line, size_t pos, std::string& scratch) {
  if (pos + 3 < line.size() && line[pos + 1] == 'x') {
    const int high = HexDigit(line[pos + 2]);
    const int low = HexDigit(line[pos + 3]);
    if (high >= 0 && low >= 0) {
      scratch.push_back(static_cast<char>(high * 16 + low));
      return pos + 4;
    }
  }
  if (pos + 1 < line.size()) scratch.push_back(Unescape(line[pos + 1]));
  return pos + 2;
}

// Reads the quoted part that begins at `pos`, moving `pos` behind its closing quote, which must be
// the end of the argument.
bool ReadQuoted(std::string_view line, size_t& pos, std::string& scratch) {
  const char quote = line[pos++];
  while (pos < line.size()) {
    const char c = line[pos];
    if (c == quote) {
      ++pos;
      return pos == line.size() || IsBlank(line[pos]);
    }
    if (c == '\\' && quote == '"') {
      pos = ReadEscape(line, pos, scratch);
    } else if (c == '\\' && pos + 1 < line.size() && line[pos + 1] == '\'') {
      scratch.push_back('\'');
      pos += 2;
    } else {
      scratch.push_back(c);
      ++pos;
    }
  }
  return false;
}

}  // namespace

bool SplitInlineArgs(std::string_view line, Args& args, std::string& scratch) {
  scratch.clear();
  size_t pos = 0;
  while (true) {
    while (pos < line.size() && IsBlank(line[pos])) ++pos;
    if (pos == line.size()) return true;
    const size_t begin = pos;
    while (pos < line.size() && !EndsPlainArg(line[pos]) && line[pos] != '"' && line[pos] != '\'') {
      ++pos;
    }
    if (pos == line.size() || EndsPlainArg(line[pos])) {
      args.push_back(line.substr(begin, pos - begin));
      continue;
    }
    // Unquoting never lengthens, so the arguments of the line fit into its length and the views of
    // those already in the scratch stay good.
    scratch.reserve(line.size());
    const size_t scratch_begin = scratch.size();
    scratch.append(line, begin, pos - begin);
    if (!ReadQuoted(line, pos, scratch)) return false;
    args.push_back(std::string_view(scratch).substr(scratch_begin));
  }
}

}  // namespace mantis::protocol
