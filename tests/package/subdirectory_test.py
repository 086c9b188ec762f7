"""A project that has Skald as a subdirectory builds, with its own settings left alone, and the program that it links works."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from package_folders import PROJECT, check_output

PROGRAM = r"""
#include <cstdio>
#include <skald/skald.h>
#include <string>

int main() {
  const std::string compiled = std::to_string(SKALD_VERSION_MAJOR) + "." + std::to_string(SKALD_VERSION_MINOR) + "." +
                               std::to_string(SKALD_VERSION_PATCH);
  if (compiled != skald::kVersion) return 1;
  skald::RecognizerOptions options;
  options.precision = "f12";
  const skald::Status status = options.Validate();
  std::printf("%s\n", status.ToString().c_str());
  return status.code() == skald::StatusCode::kInvalidArgument ? 0 : 1;
}
"""

PROJECT_FILE = """
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
add_subdirectory(%s skald EXCLUDE_FROM_ALL)
add_executable(host host.cc)
target_link_libraries(host PRIVATE skald::skald)
if(NOT CMAKE_CXX_STANDARD EQUAL 17 OR TARGET engine_test)
  message(FATAL_ERROR "the subdirectory changed its surroundings")
endif()
"""


class SubdirectoryTest(unittest.TestCase):
    def test_a_host_project_links_the_library(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "CMakeLists.txt").write_text(PROJECT_FILE % PROJECT)
            (folder / "host.cc").write_text(PROGRAM)
            check_output(os.environ["CMAKE"], "-G", "Ninja", "-S", folder, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release")
            check_output(os.environ["CMAKE"], "--build", folder / "build", "--target", "host")
            run = subprocess.run([folder / "build" / "host"], stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout)
            self.assertIn("precision", run.stdout)


if __name__ == "__main__":
    unittest.main()
