#include "server/dispatch/command_syntax.h"

#include <gtest/gtest.h>

#include "server/dispatch/command_table.h"

namespace mantis::server {
namespace {

using Kind = SyntaxNode::Kind;

TEST(CommandSyntax, EmptyTextHasNoArguments) { EXPECT_TRUE(ParseSyntax("").empty()); }

TEST(CommandSyntax, ValuesAndOptionalOnes) {
  const auto nodes = ParseSyntax("key [SAMPLES count]");
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].kind, Kind::kValue);
  EXPECT_EQ(nodes[0].name, "key");
  EXPECT_FALSE(nodes[0].optional);
  EXPECT_EQ(nodes[1].kind, Kind::kValue);
  EXPECT_EQ(nodes[1].token, "SAMPLES");
  EXPECT_EQ(nodes[1].name, "count");
  EXPECT_TRUE(nodes[1].optional);
}

TEST(CommandSyntax, ChoicesOfTokensAndValues) {
  const auto nodes = ParseSyntax("key value [NX | XX] [GET] [EX seconds | KEEPTTL]");
  ASSERT_EQ(nodes.size(), 5u);
  EXPECT_EQ(nodes[2].kind, Kind::kChoice);
  EXPECT_TRUE(nodes[2].optional);
  ASSERT_EQ(nodes[2].children.size(), 2u);
  EXPECT_EQ(nodes[2].children[1].kind, Kind::kToken);
  EXPECT_EQ(nodes[2].children[1].token, "XX");
  EXPECT_EQ(nodes[3].kind, Kind::kToken);
  EXPECT_TRUE(nodes[3].optional);
  ASSERT_EQ(nodes[4].children.size(), 2u);
  EXPECT_EQ(nodes[4].children[0].token, "EX");
  EXPECT_EQ(nodes[4].children[0].name, "seconds");
  EXPECT_EQ(nodes[4].children[1].kind, Kind::kToken);
}

TEST(CommandSyntax, RepeatedValuesAndGroups) {
  const auto keys = ParseSyntax("key ...");
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_TRUE(keys[0].multiple);
  EXPECT_FALSE(keys[0].optional);

  const auto pairs = ParseSyntax("(key value) ...");
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].kind, Kind::kBlock);
  EXPECT_TRUE(pairs[0].multiple);
  ASSERT_EQ(pairs[0].children.size(), 2u);
  EXPECT_EQ(pairs[0].children[1].name, "value");

  const auto events = ParseSyntax("[event ...]");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].optional);
  EXPECT_TRUE(events[0].multiple);
}

TEST(CommandSyntax, GroupsNestAndTakeTokens) {
  const auto nodes = ParseSyntax("[protover [AUTH (username password)] [SETNAME clientname]]");
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].kind, Kind::kBlock);
  EXPECT_TRUE(nodes[0].optional);
  ASSERT_EQ(nodes[0].children.size(), 3u);
  const SyntaxNode& auth = nodes[0].children[1];
  EXPECT_EQ(auth.kind, Kind::kBlock);
  EXPECT_EQ(auth.token, "AUTH");
  EXPECT_TRUE(auth.optional);
  ASSERT_EQ(auth.children.size(), 2u);
  EXPECT_EQ(auth.children[0].name, "username");
}

TEST(CommandSyntax, TypesTokensAndWhatIsRepeated) {
  const auto nodes = ParseSyntax("stop:string [= | ~] [(GET pattern) ...] WEIGHTS weight ...");
  ASSERT_EQ(nodes.size(), 4u);
  EXPECT_EQ(nodes[0].name, "stop");
  EXPECT_EQ(nodes[0].type, "string");
  EXPECT_EQ(nodes[1].kind, Kind::kChoice);
  EXPECT_EQ(nodes[1].children[0].kind, Kind::kToken);
  EXPECT_EQ(nodes[1].children[1].token, "~");
  EXPECT_EQ(nodes[2].token, "GET");
  EXPECT_TRUE(nodes[2].optional && nodes[2].multiple && nodes[2].multiple_token);
  EXPECT_EQ(nodes[3].token, "WEIGHTS");
  EXPECT_TRUE(nodes[3].multiple);
  EXPECT_FALSE(nodes[3].multiple_token);
}

TEST(CommandSyntax, TellsWhatItDoesNotKnow) {
  EXPECT_TRUE(IsSyntax(""));
  EXPECT_TRUE(IsSyntax("key [min max] <(a b) ... | PREFIX prefix> [count:integer]"));
  EXPECT_FALSE(IsSyntax("key element\u2026"));
  EXPECT_FALSE(IsSyntax("key.. value"));
  EXPECT_FALSE(IsSyntax("key [value"));
  EXPECT_FALSE(IsSyntax("key [value)"));
  EXPECT_FALSE(IsSyntax("key ] value"));
  EXPECT_FALSE(IsSyntax("<a |"));
}

TEST(CommandSyntax, EveryRowIsUnderstood) {
  const auto check = [](const auto& self, const Command& command) -> void {
    EXPECT_TRUE(IsSyntax(command.row->syntax)) << command.row->name;
    for (const Command& child : command.children) self(self, child);
  };
  for (const Command& command : CommandTable::Instance().commands()) check(check, command);
}

TEST(CommandSyntax, UnbalancedTextGivesWhatWasUnderstood) {
  EXPECT_EQ(ParseSyntax("key [value").size(), 2u);
  EXPECT_EQ(ParseSyntax("key ] value").size(), 1u);
  EXPECT_EQ(ParseSyntax("<a |").size(), 1u);
}

}  // namespace
}  // namespace mantis::server
