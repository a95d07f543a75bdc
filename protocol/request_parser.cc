#include "protocol/request_parser.h"

#include <algorithm>
#include <cstring>

#include "protocol/number.h"

namespace mantis::protocol {
namespace {

constexpr size_t kCrlfLen = 2;
// Numbers of up to this many digits are read without a check for overflow.
constexpr size_t kFastDigitsMax = 18;
// ParseWhole leaves longer numbers and longer argument lists to the careful code.
constexpr ptrdiff_t kPlainDigitsMax = 9;
constexpr size_t kWholeArgsMax = 1024;
// Argument lists longer than these give their memory back once their command is complete.
constexpr size_t kKeptSpans = 1024;
constexpr size_t kKeptArgsReserve = 1024;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads digits and CRLF at `p` and moves it behind them. False if that is not plainly there.
inline bool ReadPlainLength(const char*& p, const char* end, size_t* out) {
  // One digit, or two: most counts and lengths.
  if (end - p > 3) [[likely]] {
    const auto first_digit = static_cast<size_t>(static_cast<unsigned char>(p[0]) - '0');
    const auto second_digit = static_cast<size_t>(static_cast<unsigned char>(p[1]) - '0');
    if (p[1] == '\r' && first_digit < 10) {
      p += 1 + kCrlfLen;
      *out = first_digit;
      return true;
    }
    if (p[2] == '\r' && first_digit - 1 < 9 && second_digit < 10) {
      p += 2 + kCrlfLen;
      *out = first_digit * 10 + second_digit;
      return true;
    }
  }
  const char* const first = p;
  size_t value = 0;
  while (p != end && IsDigit(*p)) value = value * 10 + static_cast<size_t>(*p++ - '0');
  const auto digits = p - first;
  if (digits == 0 || digits > kPlainDigitsMax || (*first == '0' && digits > 1)) return false;
  if (end - p < 2 || *p != '\r') return false;
  p += kCrlfLen;
  *out = value;
  return true;
}

// The offset of `c` in data[begin, end), or `end`.
size_t Find(std::string_view data, size_t begin, size_t end, char c) {
  if (begin >= end) return end;
  const void* hit = std::memchr(data.data() + begin, c, end - begin);
  if (hit == nullptr) return end;
  return static_cast<size_t>(static_cast<const char*>(hit) - data.data());
}

}  // namespace

ParseStatus RequestParser::ParseCarefully(std::string_view data, Args& args) {
  if (failed_) return ParseStatus::kError;
  if (data.size() < wanted_) return ParseStatus::kNeedMore;
  if (data.empty()) return Suspend(1);
  if (data.front() != '*') return ParseInline(data, args);
  return ParseMultibulk(data, args);
}

// The usual case in one pass: a complete command of plain lengths. False, with nothing changed, for
// everything else, which the careful code below then reads from the start.
bool RequestParser::ParseWhole(std::string_view data, Args& args) {
  const char* p = data.data() + 1;
  const char* const end = data.data() + data.size();
  size_t count = 0;
  if (!ReadPlainLength(p, end, &count) || count == 0 || count > kWholeArgsMax) return false;
  for (size_t i = 0; i < count; ++i) {
    size_t length = 0;
    if (p == end || *p++ != '$' || !ReadPlainLength(p, end, &length) ||
        length > limits_.bulk_len_max || static_cast<size_t>(end - p) < length + kCrlfLen) {
      args.clear();
      return false;
    }
    args.emplace_back(p, length);
    p += length + kCrlfLen;
  }
  consumed_ = static_cast<size_t>(p - data.data());
  return true;
}

void RequestParser::Reset() {
  Complete(0);
  failed_ = false;
  error_.clear();
  scratch_.clear();
}

ParseStatus RequestParser::Complete(size_t consumed) {
  remaining_ = 0;
  pos_ = 0;
  scanned_ = 0;
  wanted_ = 0;
  if (spans_.capacity() > kKeptSpans) {
    std::vector<Span>().swap(spans_);
  } else {
    spans_.clear();
  }
  consumed_ = consumed;
  return ParseStatus::kCommand;
}

ParseStatus RequestParser::Suspend(size_t wanted) {
  wanted_ = wanted;
  return ParseStatus::kNeedMore;
}

ParseStatus RequestParser::Fail(std::string_view message) {
  failed_ = true;
  error_ = "Protocol error: ";
  error_ += message;
  return ParseStatus::kError;
}

ParseStatus RequestParser::ParseInline(std::string_view data, Args& args) {
  const size_t end = std::min(data.size(), limits_.inline_len_max + 1);
  const size_t newline = Find(data, scanned_, end, '\n');
  if (newline == end) {
    if (end > limits_.inline_len_max) return Fail("too big inline request");
    scanned_ = end;
    return Suspend(data.size() + 1);
  }
  const bool has_cr = newline > 0 && data[newline - 1] == '\r';
  if (!SplitInlineArgs(data.substr(0, newline - (has_cr ? 1 : 0)), args, scratch_)) {
    args.clear();
    scratch_.clear();
    return Fail("unbalanced quotes in request");
  }
  return Complete(newline + 1);
}

ParseStatus RequestParser::ParseMultibulk(std::string_view data, Args& args) {
  if (remaining_ == 0) {
    const ParseStatus status = ReadCount(data);
    if (status != ParseStatus::kCommand) return status;
    if (remaining_ == 0) return Complete(pos_);
    if (args.capacity() < remaining_) args.reserve(std::min(remaining_, kKeptArgsReserve));
  }
  const ParseStatus status = ReadBulks(data, args);
  if (status != ParseStatus::kCommand) {
    args.clear();
    return status;
  }
  return Complete(pos_);
}

// Reads "*n" into remaining_; kCommand if that worked out. No element follows when n <= 0.
ParseStatus RequestParser::ReadCount(std::string_view data) {
  Line line;
  switch (ReadLine(data, 0, line)) {
    case LineStatus::kNeedMore:
      return Suspend(data.size() + 1);
    case LineStatus::kTooLong:
      return Fail("too big mbulk count string");
    case LineStatus::kNotANumber:
      return Fail("invalid multibulk length");
    case LineStatus::kOk:
      break;
  }
  const size_t count = line.value > 0 ? static_cast<size_t>(line.value) : 0;
  if (count > limits_.args_max) return Fail("invalid multibulk length");
  if (!authenticated_ && count > limits_.unauth_args_max) {
    return Fail("unauthenticated multibulk length");
  }
  remaining_ = count;
  pos_ = line.end;
  return ParseStatus::kCommand;
}

// Reads the bulk strings that are still to come. In the usual case that the whole command is there
// at once they go straight to `args`; a suspended command collects offsets in spans_ instead.
ParseStatus RequestParser::ReadBulks(std::string_view data, Args& args) {
  const bool resumed = !spans_.empty();
  ParseStatus status = ParseStatus::kCommand;
  while (remaining_ > 0) {
    size_t length = 0;
    size_t body = 0;
    status = ReadBulkLength(data, length, body);
    if (status != ParseStatus::kCommand) break;
    if (data.size() - body < length + kCrlfLen) {
      status = Suspend(body + length + kCrlfLen);
      break;
    }
    if (resumed) {
      spans_.push_back({body, length});
    } else {
      args.push_back(data.substr(body, length));
    }
    pos_ = body + length + kCrlfLen;
    --remaining_;
  }
  if (status == ParseStatus::kNeedMore && !resumed) {
    for (const std::string_view arg : args) {
      spans_.push_back({static_cast<size_t>(arg.data() - data.data()), arg.size()});
    }
  }
  if (status == ParseStatus::kCommand && resumed) {
    args.reserve(spans_.size());
    for (const Span& span : spans_) args.push_back(data.substr(span.offset, span.length));
  }
  return status;
}

// Reads "$n" at pos_; `body` is where the n bytes begin. Does not advance pos_: a suspended command
// reads this line again, which is no more than the digits of one length.
ParseStatus RequestParser::ReadBulkLength(std::string_view data, size_t& length, size_t& body) {
  Line line;
  const LineStatus status = ReadLine(data, pos_, line);
  if (status == LineStatus::kNeedMore) return Suspend(data.size() + 1);
  if (status == LineStatus::kTooLong) return Fail("too big bulk count string");
  if (const char type = data[pos_]; type != '$') [[unlikely]] {
    const char shown = type == '\r' || type == '\n' ? ' ' : type;
    return Fail(std::string("expected '$', got '") + shown + "'");
  }
  if (status == LineStatus::kNotANumber || line.value < 0 ||
      static_cast<size_t>(line.value) > limits_.bulk_len_max) {
    return Fail("invalid bulk length");
  }
  length = static_cast<size_t>(line.value);
  if (!authenticated_ && length > limits_.unauth_bulk_len_max) {
    return Fail("unauthenticated bulk length");
  }
  body = line.end;
  return ParseStatus::kCommand;
}

// Reads the number between the first byte of the line at `begin`, which is not looked at, and CR.
// Like Redis, takes any byte after the CR for the LF.
RequestParser::LineStatus RequestParser::ReadLine(std::string_view data, size_t begin, Line& line) {
  const size_t first = begin + 1;
  const size_t end = std::min(data.size(), first + kFastDigitsMax);
  uint64_t value = 0;
  size_t p = first;
  for (; p < end && IsDigit(data[p]); ++p) {
    value = value * 10 + static_cast<uint64_t>(data[p] - '0');
  }
  const bool canonical = p > first && (data[first] != '0' || p == first + 1);
  if (canonical && p + 1 < data.size() && data[p] == '\r') [[likely]] {
    line = {static_cast<int64_t>(value), p + kCrlfLen};
    return LineStatus::kOk;
  }
  return ReadUnusualLine(data, begin, line);
}

// A line that is incomplete, negative, very long or malformed.
RequestParser::LineStatus RequestParser::ReadUnusualLine(std::string_view data, size_t begin,
                                                         Line& line) {
  const size_t end = std::min(data.size(), begin + limits_.inline_len_max + 1);
  const size_t cr = Find(data, std::max(scanned_, begin), end, '\r');
  if (cr == end) {
    if (end - begin > limits_.inline_len_max) return LineStatus::kTooLong;
    scanned_ = end;
    return LineStatus::kNeedMore;
  }
  scanned_ = cr;
  if (cr + kCrlfLen > data.size()) return LineStatus::kNeedMore;
  // The first byte itself may be the CR: then there is no number.
  const std::optional<int64_t> value =
      cr > begin ? ParseInteger(data.substr(begin + 1, cr - begin - 1)) : std::nullopt;
  if (!value) {
    line = {};
    return LineStatus::kNotANumber;
  }
  line = {*value, cr + kCrlfLen};
  return LineStatus::kOk;
}

}  // namespace mantis::protocol
