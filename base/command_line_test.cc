#include "base/command_line.h"

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace base {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

// A program with a flag of each kind.
struct Program {
  std::string file, name;
  std::optional<std::string> token;
  std::vector<std::string> types, patterns, rules;
  bool keep = false, no_first = false;
  int threads = 0;

  absl::StatusOr<std::string> Parse(std::vector<const char*> arguments) {
    return ParseCommandLine(Table(), arguments);
  }
  CommandLineTable Table() {
    return {
        .usage = "program FILE",
        .examples = "Examples: none",
        .positional = "file",
        .groups = {
            {"Things",
             {{"file", FlagKind::kValue, "FILE", "what is read", Into(&file)},
              {"out_name", FlagKind::kValue, "NAME", "what it is called",
               Into(&name)},
              {"types", FlagKind::kWordList, "TYPES", "", Into(&types)},
              {"patterns", FlagKind::kCommaList, "LIST", "", Into(&patterns)},
              {"rule", FlagKind::kList, "A=B", "", Into(&rules)}}},
            {"Ways",
             {{"keep", FlagKind::kSwitch, "", "keeps it", Into(&keep)},
              {"no_first", FlagKind::kSwitch, "", "", Into(&no_first)},
              {"threads", FlagKind::kValue, "N", "", IntoNumber(&threads, 1, 9),
               /*rare=*/true},
              {"token", FlagKind::kValue, "TOKEN", "", Into(&token), true,
               /*empty_is_value=*/true}}}}};
  }
};

std::string ErrorOf(std::vector<const char*> arguments) {
  Program program;
  const auto result = program.Parse(arguments);
  return result.ok() ? "none" : std::string(result.status().message());
}

TEST(CommandLineTest, TakesValuesAfterAnEqualsSignOrASpace) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"f", "--out_name=a=b", "--threads=3"},
        {"--threads", "3", "--out-name", "a=b", "f"},
        {"-out-name", "a=b", "-threads=3", "--", "f"},
        {"--file=f", "--out_name", "a=b", "--threads", "3"}}) {
    Program program;
    ASSERT_TRUE(program.Parse(arguments).ok()) << arguments[0];
    EXPECT_EQ(program.file, "f");
    EXPECT_EQ(program.name, "a=b");
    EXPECT_EQ(program.threads, 3);
  }
}

TEST(CommandLineTest, SwitchesAreOnOrOff) {
  for (const char* on : {"--keep", "-keep", "--keep=true", "--keep=1"}) {
    Program program;
    ASSERT_TRUE(program.Parse({on, "f"}).ok()) << on;
    EXPECT_TRUE(program.keep) << on;
    EXPECT_EQ(program.file, "f");
  }
  for (const char* off : {"--nokeep", "--no-keep", "--no_keep", "--keep=no"}) {
    Program program;
    program.keep = true;
    ASSERT_TRUE(program.Parse({off}).ok()) << off;
    EXPECT_FALSE(program.keep) << off;
  }
  Program program;
  ASSERT_TRUE(program.Parse({"--no-first"}).ok());
  EXPECT_TRUE(program.no_first);
  EXPECT_THAT(ErrorOf({"--keep=maybe"}), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf({"--nokeep=true"}), HasSubstr("takes no value"));
}

TEST(CommandLineTest, ListsJoinAndWordListsTakeTheWordsThatFollow) {
  Program program;
  ASSERT_TRUE(program
                  .Parse({"--types", "A", "B_1,c", "--keep", "--types=D",
                          "dir/file", "--rule", "x,y=1", "-rule=z=2",
                          "--patterns=*.a, b", "--patterns", "c"})
                  .ok());
  EXPECT_THAT(program.types, ElementsAre("A", "B_1", "c", "D"));
  EXPECT_THAT(program.rules, ElementsAre("x,y=1", "z=2"));
  EXPECT_THAT(program.patterns, ElementsAre("*.a", "b", "c"));
  EXPECT_EQ(program.file, "dir/file");
  // What is no word of a list ends it.
  Program other;
  ASSERT_TRUE(other.Parse({"--types", "A", "./model"}).ok());
  EXPECT_THAT(other.types, ElementsAre("A"));
  EXPECT_EQ(other.file, "./model");
}

TEST(CommandLineTest, WhatIsGivenTwiceOrWithoutAValueIsRefused) {
  EXPECT_THAT(ErrorOf({"--out_name=a", "-out-name", "b"}),
              HasSubstr("--out_name is given twice"));
  EXPECT_THAT(ErrorOf({"--keep", "--nokeep"}), HasSubstr("given twice"));
  EXPECT_THAT(ErrorOf({"a", "b"}),
              AllOf(HasSubstr("'b'"), HasSubstr("--file is 'a'")));
  EXPECT_THAT(ErrorOf({"--file=a", "b"}), HasSubstr("'b'"));
  EXPECT_THAT(ErrorOf({"--out_name"}), HasSubstr("--out_name=NAME"));
  EXPECT_THAT(ErrorOf({"--out_name", "--keep"}), HasSubstr("--out_name=NAME"));
  EXPECT_THAT(ErrorOf({"--out_name="}), HasSubstr("leave the flag out"));
  Program program;
  ASSERT_TRUE(program.Parse({"--token="}).ok());
  EXPECT_THAT(program.token, Optional(std::string()));
}

TEST(CommandLineTest, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(ErrorOf({"--out-nam=x"}),
            "unknown flag --out-nam; the nearest is --out_name");
  EXPECT_THAT(ErrorOf({"--kepe"}), HasSubstr("--keep"));
  EXPECT_THAT(ErrorOf({"--something_else"}), HasSubstr("--help=all"));
  EXPECT_THAT(ErrorOf({"--nothreads"}), HasSubstr("unknown flag"));
}

TEST(CommandLineTest, ValuesThatASetterRefusesAreNamed) {
  EXPECT_EQ(ErrorOf({"--threads=0"}),
            "--threads=0: it is a number from 1 to 9");
  EXPECT_THAT(ErrorOf({"--threads", "1x"}), HasSubstr("from 1 to 9"));
}

TEST(CommandLineTest, AfterAnErrorTheOtherFlagsAreSet) {
  Program program;
  EXPECT_THAT(
      program.Parse({"--bad", "--threads=0", "--keep"}).status().message(),
      HasSubstr("--bad"));
  EXPECT_TRUE(program.keep);
}

TEST(CommandLineTest, HelpIsPrintedWhateverElseIsGiven) {
  Program program;
  const std::string text = *program.Parse({"--bad", "--help", "--keep"});
  EXPECT_FALSE(program.keep);
  EXPECT_EQ(*program.Parse({"-h"}), text);
  EXPECT_THAT(text,
              AllOf(HasSubstr("program FILE\n\nThings:\n"),
                    HasSubstr("\n  --file=FILE               what is read\n"),
                    HasSubstr("\n  --keep                    keeps it\n"),
                    HasSubstr("Examples: none\n"), Not(HasSubstr("threads"))));
  EXPECT_THAT(*program.Parse({"--help=all"}), HasSubstr("--threads=N"));
}

}  // namespace
}  // namespace base
