#include "scoring/text_normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skald {
namespace {

using ::testing::ElementsAre;

TEST(TextNormalizer, CutsAtAnySpaceAndIgnoresCase) {
  EXPECT_THAT(NormalizedWords("  it's\ta \u00A0 na\u00EFve\u3000plan.\n"),
              ElementsAre("IT'S", "A", "NA\u00CFVE", "PLAN."));
  EXPECT_THAT(NormalizedWords(" \n"), ElementsAre());
  EXPECT_THAT(NormalizedWords("a B", {.upper_case = false, .strip_punctuation = false}),
              ElementsAre("a", "B"));
}

TEST(TextNormalizer, StripsPunctuationOnRequest) {
  const NormalizerOptions options{.upper_case = true, .strip_punctuation = true};
  EXPECT_THAT(
      NormalizedWords("\u201CWell-known,\u201D he said \u2014 'the dogs' bowls': $5, 100 %!", options),
      ElementsAre("WELL", "KNOWN", "HE", "SAID", "THE", "DOGS", "BOWLS", "$5", "100", "%"));
  EXPECT_THAT(NormalizedWords("it\u2019s (very) good...", options), ElementsAre("IT'S", "VERY", "GOOD"));
  EXPECT_THAT(NormalizedWords("\u4F60\u597D\u3002 \u00BFqu\u00E9?", options),
              ElementsAre("\u4F60\u597D", "QU\u00C9"));
  EXPECT_THAT(NormalizedWords("... - '' \u2013", options), ElementsAre());
}

TEST(TextNormalizer, ReplacesWhatIsNotUtf8) {
  EXPECT_THAT(NormalizedWords("a\xFF b"), ElementsAre("A\uFFFD", "B"));
}

}  // namespace
}  // namespace skald
