#include "tests/support/reply_check.h"

#include <charconv>
#include <cstdint>

namespace mantis::test {
namespace {

constexpr int kDepthMax = 16;

class Checker {
 public:
  Checker(std::string_view bytes, Dialect dialect) : bytes_(bytes), dialect_(dialect) {}

  bool Element(int depth) {
    if (depth > kDepthMax || at_ >= bytes_.size()) return false;
    const char type = bytes_[at_++];
    std::string_view line;
    if (!TypeFits(type) || !Line(&line)) return false;
    switch (type) {
      case '+':
        return true;
      case '-':
        return !line.empty();
      case ':':
        return Integer(line).has_value();
      case '$':
        return line == "-1" ? dialect_ != Dialect::kResp3 : Body(line, 0);
      case '=':
        return Body(line, 4);
      case '*':
        if (line == "-1") return dialect_ != Dialect::kResp3;
        return Elements(line, 1, depth);
      case '~':
      case '>':
        return Elements(line, 1, depth);
      case '%':
        return Elements(line, 2, depth);
      case '_':
        return line.empty();
      case '#':
        return line == "t" || line == "f";
      case ',':
        return Double(line);
      case '(':
        return line.substr(line.starts_with('-') ? 1 : 0).find_first_not_of("0123456789") ==
               std::string_view::npos;
      default:
        return false;
    }
  }

  size_t at() const { return at_; }

 private:
  bool TypeFits(char type) const {
    return dialect_ != Dialect::kResp2 ||
           std::string_view("+-:$*").find(type) != std::string_view::npos;
  }

  // Up to the end of the line, which must be the first CR or LF there is.
  bool Line(std::string_view* line) {
    const size_t end = bytes_.find_first_of("\r\n", at_);
    if (end == std::string_view::npos || bytes_.substr(end, 2) != "\r\n") return false;
    *line = bytes_.substr(at_, end - at_);
    at_ = end + 2;
    return true;
  }

  static std::optional<int64_t> Integer(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  static bool Double(std::string_view text) {
    if (text == "inf" || text == "-inf" || text == "nan") return true;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }

  // The bytes of a bulk, of which the first `prefix` are "txt:" or the like.
  bool Body(std::string_view line, int64_t prefix) {
    const std::optional<int64_t> length = Integer(line);
    if (!length || *length < prefix) return false;
    const auto size = static_cast<size_t>(*length);
    if (size + 2 > bytes_.size() - at_) return false;
    if (prefix > 0 && bytes_[at_ + 3] != ':') return false;
    at_ += size + 2;
    return bytes_.substr(at_ - 2, 2) == "\r\n";
  }

  bool Elements(std::string_view line, int64_t each, int depth) {
    const std::optional<int64_t> count = Integer(line);
    if (!count || *count < 0) return false;
    for (int64_t i = 0; i < *count * each; ++i) {
      if (!Element(depth + 1)) return false;
    }
    return true;
  }

  std::string_view bytes_;
  Dialect dialect_;
  size_t at_ = 0;
};

}  // namespace

std::optional<size_t> ReplyLength(std::string_view bytes, Dialect dialect) {
  Checker checker(bytes, dialect);
  if (!checker.Element(0)) return std::nullopt;
  return checker.at();
}

}  // namespace mantis::test
