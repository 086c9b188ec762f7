#include "decoder/graph/fst_file.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "base/file.h"
#include "support/raw_bytes.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using test::Raw;

std::string String(const std::string& text) { return Raw(static_cast<int32_t>(text.size())) + text; }
std::string Header(const std::string& type, int64_t states, int64_t arcs, int32_t flags = 0,
                   int32_t version = 2, int64_t start = 0) {
  return Raw(int32_t{2125659606}) + String(type) + String("standard") + Raw(version) + Raw(flags) +
         Raw(uint64_t{0}) + Raw(start) + Raw(states) + Raw(arcs);
}
std::string Arc(int32_t input, int32_t output, float cost, int32_t next) {
  return Raw(input) + Raw(output) + Raw(cost) + Raw(next);
}
std::string Symbols(const std::vector<std::pair<std::string, int64_t>>& entries) {
  std::string bytes = Raw(int32_t{2125658996}) + String("table") + Raw(int64_t{9}) +
                      Raw(static_cast<int64_t>(entries.size()));
  for (const auto& [name, label] : entries) bytes += String(name) + Raw(label);
  return bytes;
}
std::string ConstState(float final_cost, uint32_t first, uint32_t arcs) {
  return Raw(final_cost) + Raw(first) + Raw(arcs) + Raw(uint32_t{0}) + Raw(uint32_t{0});
}
std::string Padded(std::string bytes) {
  bytes.resize((bytes.size() + 15) / 16 * 16);
  return bytes;
}

class FstFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& bytes) {
    const std::string path = folder_ / "x.fst";
    EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
    return path;
  }
  Status Failure(const std::string& bytes) {
    const auto graph = ReadFst(Write(bytes));
    EXPECT_FALSE(graph.ok());
    return graph.status();
  }
  const std::string vector_ = Header("vector", 2, 2) + Raw(INFINITY) + Raw(int64_t{2}) + Arc(1, 2, 0.5f, 1) +
                              Arc(0, 0, 0.25f, 0) + Raw(1.5f) + Raw(int64_t{0});
  test::TemporaryFolder folder_;
};

void ExpectTheGraph(const StatusOr<FstGraph>& graph) {
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(graph->start, 0);
  EXPECT_EQ(graph->final_costs, (std::vector<float>{INFINITY, 1.5f}));
  EXPECT_EQ(graph->first_arc, (std::vector<uint64_t>{0, 2, 2}));
  EXPECT_EQ(graph->arcs[0].output, 2);
  EXPECT_EQ(graph->arcs[0].next_state, 1);
  EXPECT_EQ(graph->arcs[1].cost, 0.25f);
}

TEST_F(FstFileTest, ReadsVectorAndConst) {
  ExpectTheGraph(ReadFst(Write(vector_)));
  const std::string states = ConstState(INFINITY, 0, 2) + ConstState(1.5f, 2, 0);
  const std::string arcs = Arc(1, 2, 0.5f, 1) + Arc(0, 0, 0.25f, 0);
  ExpectTheGraph(ReadFst(Write(Header("const", 2, 2) + states + arcs)));
  ExpectTheGraph(ReadFst(Write(Padded(Padded(Header("const", 2, 2, 4)) + states) + arcs)));  // aligned
}

TEST_F(FstFileTest, ReadsOutputSymbols) {
  const std::string path =
      Write(Header("ngram", 1, 0, 3) + Symbols({{"in", 1}}) + Symbols({{"<eps>", 0}, {"b", 3}}));
  EXPECT_EQ(ReadFstOutputSymbols(path).value(), (std::vector<std::string>{"<eps>", "", "", "b"}));
  EXPECT_EQ(ReadFstInfo(path).value().type, "ngram");
  EXPECT_TRUE(ReadFstOutputSymbols(Write(vector_)).value().empty());
}

TEST_F(FstFileTest, TruncatedFilesAreRefused) {
  for (size_t size = 0; size < vector_.size(); ++size) {
    const Status status = Failure(vector_.substr(0, size));
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << size << " " << status.ToString();
    EXPECT_EQ(status.file(), folder_ / "x.fst");
  }
}

TEST_F(FstFileTest, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
  const int64_t huge = int64_t{1} << 60;
  EXPECT_EQ(Failure(Header("vector", huge, 0) + Raw(0.0f) + Raw(int64_t{0})).code(), StatusCode::kCorrupt);
  EXPECT_EQ(Failure(Header("const", 1, huge) + ConstState(0, 0, 0)).code(), StatusCode::kCorrupt);
  EXPECT_EQ(Failure(Header("vector", 1, 0) + Raw(0.0f) + Raw(huge)).code(), StatusCode::kCorrupt);
  EXPECT_EQ(Failure(Header("vector", 1, 0) + Raw(0.0f) + Raw(int64_t{-1})).code(), StatusCode::kCorrupt);
  EXPECT_EQ(Failure(Raw(int32_t{2125659606}) + Raw(int32_t{0x7FFFFFFF})).code(), StatusCode::kCorrupt);
  const std::string symbols = Raw(int32_t{2125658996}) + String("t") + Raw(int64_t{0}) + Raw(huge);
  EXPECT_EQ(ReadFstOutputSymbols(Write(Header("vector", 1, 0, 2) + symbols)).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(ReadFstOutputSymbols(Write(Header("vector", 1, 0, 2) + Symbols({{"x", huge}}))).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(FstFileTest, WhatIsWrongIsNamed) {
  EXPECT_NE(Failure("not an FST at all").reason().find("not an FST"), std::string::npos);
  EXPECT_EQ(Failure(Header("compact_acceptor", 1, 0)).code(), StatusCode::kUnsupported);
  const std::string one = Raw(0.0f) + Raw(int64_t{1});
  EXPECT_NE(Failure(Header("vector", 1, 1) + one + Arc(1, 0, 0, 5)).reason().find("an arc of state 0"),
            std::string::npos);
  EXPECT_NE(Failure(Header("vector", 1, 1) + one + Arc(-1, 0, 0, 0)).reason().find("an arc of state 0"),
            std::string::npos);
  EXPECT_NE(Failure(Header("vector", 1, 1) + one + Arc(1, 0, NAN, 0)).reason().find("an arc of state 0"),
            std::string::npos);
  EXPECT_NE(Failure(Header("vector", 1, 0, 0, 2, 7) + Raw(0.0f) + Raw(int64_t{0})).reason().find("start"),
            std::string::npos);
  EXPECT_EQ(Failure(Header("const", 2, 2) + ConstState(0, 0, 1) + ConstState(0, 0, 1) + Arc(1, 0, 0, 0) +
                    Arc(1, 0, 0, 0))
                .code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(CheckLookaheadFst(Write(vector_)).code(), StatusCode::kUnsupported);
}

TEST_F(FstFileTest, DamagedFilesNeverCrash) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 500; ++round) {
    std::string damaged = vector_;
    for (int i = 0; i < 2; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    (void)ReadFst(Write(damaged));
  }
}

}  // namespace
}  // namespace skald
