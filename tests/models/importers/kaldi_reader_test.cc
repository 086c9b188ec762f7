#include "models/importers/kaldi_reader.h"

#include <cmath>
#include <gtest/gtest.h>

#include "support/raw_bytes.h"

namespace skald {
namespace {

using test::Raw;

std::string BinaryInteger(int32_t value) { return std::string(1, '\4') + Raw(value); }

KaldiReader Binary(const std::string& bytes) {
  return KaldiReader::FromBytes(std::string("\0B", 2) + bytes, "x.mdl");
}
KaldiReader Text(const std::string& text) { return KaldiReader::FromBytes(text, "x.mdl"); }

TEST(KaldiReader, ReadsBinaryValues) {
  KaldiReader reader =
      Binary("<Dim> " + BinaryInteger(-7) + std::string(1, '\4') + Raw(1.5f) + std::string(1, '\10') +
             Raw(2.25) + "T" + std::string(1, '\4') + Raw(int32_t{2}) + Raw(int32_t{5}) + Raw(int32_t{6}) +
             "FV " + BinaryInteger(2) + Raw(0.5f) + Raw(-1.0f) + "DM " + BinaryInteger(1) + BinaryInteger(2) +
             Raw(3.0) + Raw(4.0) + "FP " + BinaryInteger(2) + Raw(1.0f) + Raw(2.0f) + Raw(3.0f));
  EXPECT_TRUE(reader.binary());
  EXPECT_TRUE(reader.Expect("<Dim>").ok());
  EXPECT_EQ(reader.Integer().value(), -7);
  EXPECT_EQ(reader.Number().value(), 1.5);
  EXPECT_EQ(reader.Number().value(), 2.25);
  EXPECT_TRUE(reader.Boolean().value());
  EXPECT_EQ(reader.Integers().value(), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(reader.Vector().value(), (std::vector<double>{0.5, -1}));
  const KaldiMatrix matrix = reader.Matrix().value();
  EXPECT_EQ(matrix.rows, 1);
  EXPECT_EQ(matrix.values, (std::vector<double>{3, 4}));
  EXPECT_EQ(reader.SymmetricMatrix().value().values, (std::vector<double>{1, 2, 2, 3}));
  EXPECT_TRUE(reader.AtEnd());
}

TEST(KaldiReader, ReadsTextValues) {
  KaldiReader reader =
      Text("<Dim> -7 1.5e0 F [ 5 6 ]\n [ 0.5 -1 ]\n [\n 1 2\n 3 4 ]\n [\n 1\n 2 3 ]\n [ ]\n");
  EXPECT_FALSE(reader.binary());
  EXPECT_EQ(reader.PeekToken().value(), "<Dim>");
  EXPECT_TRUE(reader.Expect("<Dim>").ok());
  EXPECT_EQ(reader.Integer().value(), -7);
  EXPECT_EQ(reader.Number().value(), 1.5);
  EXPECT_FALSE(reader.Boolean().value());
  EXPECT_EQ(reader.Integers().value(), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(reader.Vector().value(), (std::vector<double>{0.5, -1}));
  EXPECT_EQ(reader.Matrix().value().values, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(reader.SymmetricMatrix().value().values, (std::vector<double>{1, 2, 2, 3}));
  EXPECT_EQ(reader.Matrix().value().rows, 0);
  EXPECT_TRUE(reader.AtEnd());
}

std::string Message(const Status& status) { return status.ToString(); }

TEST(KaldiReader, SizesAreCheckedBeforeMemoryIsTaken) {
  const std::string huge = BinaryInteger(0x7FFFFFFF);
  EXPECT_EQ(Binary("FM " + huge + huge).Matrix().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Binary("DV " + huge).Vector().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Binary("DP " + huge).SymmetricMatrix().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Binary(std::string(1, '\4') + Raw(int32_t{0x7FFFFFFF})).Integers().status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(Binary("FV " + BinaryInteger(-1)).Vector().status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(Binary("FM " + BinaryInteger(2) + BinaryInteger(2) + Raw(1.0f)).Matrix().status().code(),
            StatusCode::kCorrupt);
}

TEST(KaldiReader, FailuresNameFileAndByte) {
  EXPECT_EQ(Message(Binary("<A> ").Expect("<B>")), "x.mdl: byte 2: expected <B>, found <A>");
  EXPECT_EQ(Message(Text("[ 1 2").Vector().status()), "x.mdl: byte 5: the file ends inside brackets");
  EXPECT_EQ(Message(Text("[ 1 x ]").Vector().status()), "x.mdl: byte 4: expected a number");
  EXPECT_EQ(Message(Text("[\n 1 2\n 3 ]").Matrix().status()),
            "x.mdl: byte 10: the matrix has rows of different length");
  EXPECT_EQ(Message(Text("1.5").Integer().status()), "x.mdl: byte 0: expected a whole number");
  EXPECT_EQ(Message(Text("9").Integer("the answer", 40, 42).status()),
            "x.mdl: byte 0: the answer is 9, must be from 40 to 42");
  EXPECT_EQ(Binary("CM2 ").Matrix().status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(Message(Binary("FV " + BinaryInteger(1) + Raw(INFINITY)).Vector().status()),
            "x.mdl: byte 5: a value of the vector or matrix here is not finite");
  EXPECT_EQ(Text(std::string(2000, 'x')).Token().status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace skald
