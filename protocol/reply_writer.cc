#include "protocol/reply_writer.h"

#include <algorithm>

namespace mantis::protocol {
namespace {

// What a deferred header takes while its length is unknown: enough for one digit.
constexpr size_t kDeferredLen = sizeof("*0\r\n") - 1;
constexpr size_t kVerbatimFormatLen = 3;

}  // namespace

void ReplyWriter::Line(char type, std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  char* begin = out_->Reserve(1 + text.size() + kCrlfLen);
  *begin = type;
  char* end = std::replace_copy_if(
      text.begin(), text.end(), begin + 1, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  Finish(begin, end);
}

void ReplyWriter::Double(double value) {
  char text[kDoubleCharsMax];
  const size_t text_len = FormatDouble(text, value);
  if (!resp3_) return Bulk({text, text_len});
  char* begin = out_->Reserve(1 + text_len + kCrlfLen);
  *begin = ',';
  std::memcpy(begin + 1, text, text_len);
  Finish(begin, begin + 1 + text_len);
}

void ReplyWriter::BigNumber(std::string_view digits) {
  if (!resp3_) return Bulk(digits);
  Line('(', digits);
}

void ReplyWriter::Verbatim(std::string_view text, std::string_view format) {
  if (!resp3_) return Bulk(text);
  const size_t length = kVerbatimFormatLen + 1 + text.size();
  char* begin = out_->Reserve(kHeaderMax + length + kCrlfLen);
  char* end = WriteHeader(begin, '=', length);
  for (size_t i = 0; i < kVerbatimFormatLen; ++i) *end++ = i < format.size() ? format[i] : ' ';
  *end++ = ':';
  if (!text.empty()) std::memcpy(end, text.data(), text.size());
  Finish(begin, end + text.size());
}

size_t ReplyWriter::Defer() {
  const size_t mark = out_->size();
  out_->Append("*0\r\n");
  return mark;
}

void ReplyWriter::SetDeferred(size_t mark, char type, size_t n) {
  char header[kHeaderMax];
  const size_t header_len = static_cast<size_t>(WriteHeader(header, type, n) - header);
  const size_t extra = header_len - kDeferredLen;
  if (extra > 0) {
    const size_t elements_len = out_->size() - mark - kDeferredLen;
    static_cast<void>(out_->Reserve(extra));
    char* elements = out_->data() + mark + kDeferredLen;
    std::memmove(elements + extra, elements, elements_len);
    out_->Commit(extra);
  }
  std::memcpy(out_->data() + mark, header, header_len);
}

}  // namespace mantis::protocol
