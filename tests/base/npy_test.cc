#include "base/npy.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// A version 1.0 file with the given header dictionary and raw data.
std::string Npy(std::string header, const std::string& data) {
  header += std::string(63 - (header.size() + 10) % 64, ' ') + "\n";
  std::string file = std::string("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  return file + header + data;
}

TEST(ReadNpy, ReadsShapesTypesAndOrders) {
  test::TemporaryFolder folder;
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::string data(reinterpret_cast<const char*>(values), sizeof values);
  ASSERT_TRUE(WriteFileAtomically(folder / "c.npy",
                                  Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data))
                  .ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "f.npy",
                                  Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", data))
                  .ok());
  const NpyArray rows = ReadNpy(folder / "c.npy").value();
  EXPECT_EQ(rows.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(rows.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ReadNpy(folder / "f.npy").value().values, (std::vector<float>{1, 3, 5, 2, 4, 6}));
}

TEST(ReadNpy, RefusesWhatItCannotRead) {
  test::TemporaryFolder folder;
  const auto code = [&](const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(folder / "a.npy", content).ok());
    return ReadNpy(folder / "a.npy").status().code();
  };
  EXPECT_EQ(code("text"), StatusCode::kCorrupt);
  EXPECT_EQ(code(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "short")),
            StatusCode::kCorrupt);
  EXPECT_EQ(code(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", "")),
            StatusCode::kCorrupt);
  EXPECT_EQ(code(Npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "pickle")),
            StatusCode::kUnsupported);
  EXPECT_EQ(code(Npy("{'fortran_order': False}", "")), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace skald
