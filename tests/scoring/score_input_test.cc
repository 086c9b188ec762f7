#include "scoring/score_input.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class ScoreInputFiles : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, text).ok());
    return folder_ / name;
  }
  test::TemporaryFolder folder_;
};

auto Is(const std::string& id, const std::string& speaker, const std::string& text) {
  return AllOf(Field(&Utterance::id, id), Field(&Utterance::speaker, speaker), Field(&Utterance::text, text));
}

TEST_F(ScoreInputFiles, KaldiText) {
  const std::string text = Write("text", "u1 HELLO  THERE\r\n\nu2\n\tu3\tX");
  EXPECT_THAT(ReadKaldiText(text).value(),
              ElementsAre(Is("u1", "", "HELLO  THERE"), Is("u2", "", ""), Is("u3", "", "X")));
  EXPECT_THAT(ReadKaldiText(text, Write("utt2spk", "u3 c\nu1 a\nu2 b\n")).value(),
              ElementsAre(Is("u1", "a", "HELLO  THERE"), Is("u2", "b", ""), Is("u3", "c", "X")));
}

TEST_F(ScoreInputFiles, Trn) {
  EXPECT_THAT(ReadTrn(Write("a.trn", ";; note\nHELLO (x) THERE (spk-1)\n(spk-2) \n")).value(),
              ElementsAre(Is("spk-1", "spk", "HELLO (x) THERE "), Is("spk-2", "spk", "")));
}

TEST_F(ScoreInputFiles, BrokenLinesAreNamed) {
  const std::string good_text = Write("text", "u1 A\n");
  const auto error = [&](auto read, const std::string& content) {
    const auto result = read(Write("broken", content));
    EXPECT_EQ(result.status().code(), StatusCode::kCorrupt) << content;
    EXPECT_THAT(result.status().file(), HasSubstr("/broken"));
    return result.status().position() + ": " + result.status().reason();
  };
  const auto text = [](const std::string& path) { return ReadKaldiText(path); };
  const auto utt2spk = [&](const std::string& path) { return ReadKaldiText(good_text, path); };
  const auto trn = [](const std::string& path) { return ReadTrn(path); };
  const auto ctm = [](const std::string& path) { return ReadCtm(path); };
  const auto stm = [](const std::string& path) { return ReadStm(path); };
  EXPECT_EQ(error(text, "u1 A\n\nu1 B\n"), "line 3: u1 was given on line 1 already");
  EXPECT_EQ(error(text, std::string("u1 A\nu\0 B\n", 10)), "line 2: this is not a text file");
  EXPECT_EQ(error(utt2spk, "u1 a b\n"), "line 1: expected an utterance id and a speaker");
  EXPECT_EQ(error(utt2spk, "u1\n"), "line 1: expected an utterance id and a speaker");
  EXPECT_EQ(error(trn, "A (1)\nB\n"), "line 2: expected words and then the utterance id in parentheses");
  EXPECT_EQ(error(trn, "B ()\n"), "line 1: expected words and then the utterance id in parentheses");
  EXPECT_EQ(error(trn, "A (1)\nB (1)\n"), "line 2: 1 was given on line 1 already");
  EXPECT_EQ(error(ctm, "f 1 0 1\n"), "line 1: expected file, channel, start, duration and word");
  EXPECT_EQ(error(ctm, "f 1 0 1 A\nf 1 x 1 A\n"), "line 2: bad start time 'x'");
  EXPECT_EQ(error(ctm, "f 1 -1 1 A\n"), "line 1: bad start time '-1'");
  EXPECT_EQ(error(ctm, "f 1 nan 1 A\n"), "line 1: bad start time 'nan'");
  EXPECT_EQ(error(ctm, "f 1 0 -1 A\n"), "line 1: bad duration '-1'");
  EXPECT_EQ(error(ctm, "f 1 0 1 A maybe\n"), "line 1: bad confidence 'maybe'");
  EXPECT_EQ(error(stm, ";; c\nf 1 s 0\n"), "line 2: expected file, channel, speaker, start and end");
  EXPECT_EQ(error(stm, "f 1 s 2 2 A\n"), "line 1: bad end time '2', the start is 2");
  EXPECT_EQ(error(stm, "f 1 s 2 1e999 A\n"), "line 1: bad end time '1e999', the start is 2");
  EXPECT_EQ(error(stm, "f 1 s 0 2 A\nf 2 s 1 2 A\nf 1 s 1 3 A\n"),
            "line 3: the segment overlaps that of line 1");
  EXPECT_EQ(error(stm, "f 1 s 1 2 A\nf 1 s 0 5 A\n"), "line 2: the segment overlaps that of line 1");
  EXPECT_EQ(error(stm, "f 1 s 0 2 <o f0> A\n"), "line 1: bad labels '<o'");
  const auto missing = ReadKaldiText(Write("text", "u9 A\n"), Write("utt2spk", "u1 a\n"));
  EXPECT_THAT(missing.status().reason(), HasSubstr("u9 has no speaker in"));
  EXPECT_EQ(ReadCtm(Write("x.ctm", "f 1 * * <ALT_BEGIN>\n")).status().code(), StatusCode::kUnsupported);
  const auto braces = ReadStm(Write("x.stm", "f 1 s 0 1 { A / B }\n"));
  EXPECT_EQ(braces.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(braces.status().position(), "line 1");
  EXPECT_EQ(ReadStm(folder_ / "absent").status().code(), StatusCode::kNotFound);
}

constexpr const char* kJson =
    R"({"source":{"path":"media/talk one.mp3"},"segments":[)"
    R"({"text":"A B","channel":0,"words":[{"word":"A","start":1.0,"end":1.5},{"word":"B","start":1.5,"end":2}]},)"
    R"({"text":"C","channel":1,"words":[{"word":"C","start":4,"end":5,"confidence":0.5}]}]})";

TEST_F(ScoreInputFiles, JsonTranscripts) {
  const std::string path = Write("a.json", kJson);
  EXPECT_THAT(ReadJsonTexts(path).value(), ElementsAre(Is("talk one", "", "A B C")));
  const auto words = ReadJsonWords(path).value();
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[2].file, "talk one");
  EXPECT_EQ(words[2].channel, "2");
  EXPECT_EQ(words[2].duration_s, 1.0);
  EXPECT_EQ(words[2].confidence, 0.5);
  Write("b.json", R"({"source":{"path":"other.wav"},"segments":[]})");
  Write("notes.txt", "not a transcript");
  EXPECT_THAT(ReadJsonTexts(folder_.path()).value(),
              ElementsAre(Is("talk one", "", "A B C"), Is("other", "", "")));
}

TEST_F(ScoreInputFiles, BrokenJsonIsNamed) {
  for (const char* broken :
       {"", "{", "[]", R"({"source":{}})", R"({"source":{"path":"a"}})",
        R"({"source":{"path":"a"},"segments":{}})", R"({"source":{"path":"a"},"segments":[1]})",
        R"({"source":{"path":"a"},"segments":[{"text":1}]})"}) {
    const auto texts = ReadJsonTexts(Write("a.json", broken));
    ASSERT_FALSE(texts.ok()) << broken;
    EXPECT_THAT(texts.status().ToString(), HasSubstr("a.json: not a transcript of Skald")) << broken;
    EXPECT_FALSE(ReadJsonWords(folder_ / "a.json").ok());
  }
  EXPECT_FALSE(
      ReadJsonWords(Write("a.json", R"({"source":{"path":"a"},"segments":[{"words":[{"word":"A"}]}]})"))
          .ok());
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_EQ(ReadJsonTexts(folder_ / "empty").status().code(), StatusCode::kNotFound);
}

TEST_F(ScoreInputFiles, PairsTextWithJsonByTheNameOfTheFile) {
  const std::string text = Write("text", "other HELLO\nthird BYE\n");
  const std::string json =
      Write("b.json", R"({"source":{"path":"x/other.wav"},"segments":[{"text":"HELLO"}]})");
  const auto input = ReadScoreInput({text, {json}, {}, {}, ""});
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  EXPECT_THAT(input->references, ElementsAre(Is("other", "", "HELLO"), Is("third", "", "BYE")));
  EXPECT_THAT(input->hypotheses, ElementsAre(Is("other", "", "HELLO")));
  const auto twice = ReadScoreInput({text, {json, json}, {}, {}, ""});
  EXPECT_THAT(twice.status().reason(), HasSubstr("hypothesis other was given in"));
}

TEST_F(ScoreInputFiles, PairsTextWithCtmByTheNameOfTheFile) {
  const auto input =
      ReadScoreInput({Write("text", "f A B C\ng D\n"),
                      {Write("h.ctm", "f 1 2.0 0.1 B\nf 1 1.0 0.1 A\nf 2 0.5 0.1 C\ng 1 0 1 D 0.9\n")},
                      {},
                      {},
                      ""});
  EXPECT_THAT(input->hypotheses, ElementsAre(Is("f", "", "A B C"), Is("g", "", "D")));
}

TEST_F(ScoreInputFiles, DealsWordsOutToStmSegments) {
  const std::string stm = Write("r.stm",
                                ";; comment\n"
                                "f A spk 1.0 2.0 A B\n"
                                "f A spk 3.0 4.0 <o,f0> C D\n"
                                "f A x 4.0 5.0 ignore_time_segment_in_scoring\n"
                                "f A spk 5.0 6.0 E\n"
                                "g 1 spk 0.0 1.0 LOST\n");
  const std::string ctm =
      Write("h.ctm",
            "f 1 0.2 0.1 PRE\nf 1 1.9 0.4 LATE\nf 1 1.2 0.1 A\nf 1 2.5 0.1 GAP\nf 1 3.2 0.1 C\n"
            "f 1 4.2 0.1 IGNORED\nf 1 5.2 0.1 E\nf 1 9.2 0.1 POST\nf 2 1.0 1.0 CHANNEL\nzz 1 0 1 A\n");
  const auto input = ReadScoreInput({stm, {ctm}, {}, {}, ""});
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  EXPECT_THAT(input->references,
              ElementsAre(Is("f-A-1.000-2.000", "spk", "A B"), Is("f-A-3.000-4.000", "spk", "C D"),
                          Is("f-A-5.000-6.000", "spk", "E"), Is("g-1-0.000-1.000", "spk", "LOST")));
  EXPECT_THAT(input->hypotheses,
              ElementsAre(Is("f-A-1.000-2.000", "", "PRE A"), Is("f-A-3.000-4.000", "", "LATE GAP C"),
                          Is("f-A-5.000-6.000", "", "E POST"), Is("zz", "", "")));
}

TEST_F(ScoreInputFiles, FormatsThatDoNotFitAreRefused) {
  const std::string stm = Write("r.stm", "f 1 s 0 1 A\n"), text = Write("text", "f A\n");
  EXPECT_THAT(ReadScoreInput({stm, {text}, {}, {}, ""}).status().reason(),
              HasSubstr("needs hypotheses with times"));
  EXPECT_THAT(ReadScoreInput({text, {stm}, {}, {}, ""}).status().reason(),
              HasSubstr("only be the reference"));
  EXPECT_FALSE(ReadScoreInput({text, {}, {}, {}, ""}).ok());
  EXPECT_FALSE(ParseTranscriptFormat("srt").ok());
  EXPECT_EQ(GuessTranscriptFormat("a/b.ctm"), TranscriptFormat::kCtm);
  EXPECT_EQ(GuessTranscriptFormat("a/text"), TranscriptFormat::kKaldiText);
  EXPECT_EQ(GuessTranscriptFormat(folder_.path()), TranscriptFormat::kJson);
}

}  // namespace
}  // namespace skald
