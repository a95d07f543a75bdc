#include "config/text_checks.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mantis::config {
namespace {

constexpr size_t kHostNameMax = 255;  // bytes

// The variables of a title. Redis checks a template with those empty that say nothing before the
// server runs, and a title must not be empty.
struct TitleVariable {
  std::string_view name;
  bool empty;
};
constexpr std::array<TitleVariable, 7> kTitleVariables{{{"title", true},
                                                        {"listen-addr", false},
                                                        {"server-mode", true},
                                                        {"port", false},
                                                        {"tls-port", false},
                                                        {"unixsocket", true},
                                                        {"config-file", false}}};

bool IsTitleTemplate(std::string_view text) {
  bool empty = true;
  while (!text.empty()) {
    if (text.starts_with("{{") || text.front() != '{') {
      empty = empty && text.front() == ' ';
      text.remove_prefix(text.front() == '{' ? 2 : 1);
      continue;
    }
    const size_t end = text.find('}');
    if (end == std::string_view::npos) return false;
    const std::string_view name = text.substr(1, end - 1);
    const auto* const found =
        std::find_if(kTitleVariables.begin(), kTitleVariables.end(),
                     [&](const TitleVariable& known) { return known.name == name; });
    if (found == kTitleVariables.end()) return false;
    empty = empty && found->empty;
    text.remove_prefix(end + 1);
  }
  return !empty;
}

bool IsHostNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

}  // namespace

std::optional<std::string> FindTextFault(std::string_view option, std::string_view text) {
  if (option == "proc-title-template" && !IsTitleTemplate(text)) {
    return "template format is invalid or contains unknown variables";
  }
  if (option == "cluster-announce-hostname") {
    if (text.size() > kHostNameMax) return "Hostnames must be less than 256 characters";
    if (!std::all_of(text.begin(), text.end(), IsHostNameByte)) {
      return "Hostnames may only contain alphanumeric characters, hyphens or dots";
    }
  }
  return std::nullopt;
}

}  // namespace mantis::config
