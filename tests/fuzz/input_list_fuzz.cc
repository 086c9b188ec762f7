#include <filesystem>

#include "cli/input_list.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const char* ending : {".txt", ".jsonl"}) {
    const skald::fuzz::InputFile file({data, size}, ending);
    const auto inputs = skald::cli::ExpandInputs({file.path()});
    if (!inputs.ok()) continue;
    for (const skald::cli::Input& input : *inputs) {
      // Whatever inputs are called, their outputs stay below the output folder.
      const std::filesystem::path stem = input.output_stem;
      if (stem.empty() || stem.is_absolute()) __builtin_trap();
      for (const auto& part : stem) {
        if (part == "..") __builtin_trap();
      }
    }
  }
  return 0;
}
