#include "base/section_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kNames[] = {"first", "second", "third"};
constexpr SectionFileFormat kFormat = {"thing", "SKALDTHG", 7, 16, kNames};

struct Header {
  SectionFileStart start;
  uint32_t count;
  uint32_t section_count;
  SectionEntry sections[3];
  uint64_t checksum;
};

std::string Written(const std::vector<std::string>& texts) {
  std::vector<std::span<const std::byte>> contents;
  for (const std::string& text : texts) contents.push_back(std::as_bytes(std::span(text)));
  Header header{};
  header.count = 5;
  const uint64_t end = PlaceSections(kFormat, sizeof header, contents, header.sections);
  SealSectionHeader(kFormat, end, &header);
  const TemporaryFolder folder;
  AtomicFile file = AtomicFile::Create(folder / "f").value();
  EXPECT_TRUE(WriteSections(std::as_bytes(std::span(&header, 1)), header.sections, contents, &file).ok());
  EXPECT_TRUE(file.Commit().ok());
  return ReadFile(folder / "f").value();
}

std::span<const std::byte> Bytes(const std::string& file) { return std::as_bytes(std::span(file)); }

Status Read(const std::string& file, Header* header) {
  SKALD_RETURN_IF_ERROR(ReadSectionHeader(kFormat, Bytes(file), header));
  for (uint32_t s = 0; s < 3; ++s)
    SKALD_RETURN_IF_ERROR(CheckSection(kFormat, Bytes(file), header->sections, s));
  return Status::Ok();
}

/// The file with its header changed and sealed again.
template <typename Change>
std::string Changed(std::string file, Change change) {
  Header header;
  std::memcpy(&header, file.data(), sizeof header);
  change(&header);
  header.checksum = SectionHeaderChecksum(std::as_bytes(std::span(&header, 1)));
  std::memcpy(file.data(), &header, sizeof header);
  return file;
}

TEST(SectionFile, KeepsSectionsInTheirPlaces) {
  const std::vector<std::string> texts = {"some text", "", std::string(100, 'x')};
  const std::string file = Written(texts);
  Header header;
  ASSERT_TRUE(Read(file, &header).ok());
  EXPECT_EQ(header.count, 5u);
  for (size_t s = 0; s < texts.size(); ++s) {
    EXPECT_EQ(header.sections[s].offset % 16, 0u);
    EXPECT_EQ(file.substr(header.sections[s].offset, header.sections[s].size), texts[s]);
  }
}

TEST(SectionFile, SaysWhatIsWrong) {
  const std::string file = Written({"abc", "defgh", "ij"});
  const auto reason = [](const std::string& bytes) {
    Header header;
    return Read(bytes, &header).ToString();
  };
  EXPECT_THAT(reason(""), HasSubstr("not a Skald thing (too short)"));
  EXPECT_THAT(reason(file.substr(0, 40)), HasSubstr("truncated inside its header"));
  EXPECT_THAT(reason("X" + file.substr(1)), HasSubstr("wrong magic"));
  EXPECT_THAT(reason(file + "x"), HasSubstr("its header says"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->start.endian_mark = 0x04030201; })),
              HasSubstr("big-endian thing"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->start.endian_mark = 1; })),
              HasSubstr("byte order mark"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->start.version = 8; })),
              HasSubstr("version 8; this program reads 7"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->section_count = 2; })),
              HasSubstr("number of sections"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { ++h->sections[1].offset; })), HasSubstr("\"second\""));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->sections[2].size = UINT64_MAX; })),
              HasSubstr("\"third\""));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->sections[2].offset = UINT64_MAX - 15; })),
              HasSubstr("\"third\""));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->sections[0].offset = 16; })), HasSubstr("lies over"));
  EXPECT_THAT(reason(Changed(file, [](Header* h) { h->sections[2].offset = h->sections[1].offset; })),
              HasSubstr("lies over"));
  std::string damaged = file;
  damaged.back() ^= 1;
  EXPECT_THAT(reason(damaged), HasSubstr("\"third\""));
}

TEST(SectionFile, FindsEveryFlippedBit) {
  std::mt19937_64 random(PropertySeed());
  const std::string file = Written({"abc", "defgh", std::string(300, 'z')});
  Header header;
  ASSERT_TRUE(Read(file, &header).ok());
  for (int round = 0; round < 500; ++round) {
    std::string damaged = file;
    const size_t place = random() % file.size();
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << random() % 8));
    bool padding = place >= sizeof(Header);
    for (const SectionEntry& entry : header.sections) {
      padding = padding && !(place >= entry.offset && place < entry.offset + entry.size);
    }
    Header found;
    EXPECT_EQ(Read(damaged, &found).ok(), padding) << place;
  }
}

}  // namespace
}  // namespace skald::test
