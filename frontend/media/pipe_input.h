#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "frontend/media/input_guard.h"

namespace skald {

/// Standard input, a named pipe or another file without places as FFmpeg's input. Waits for data no longer
/// than the guard says, also for somebody to open the other end. One thread at a time.
class PipeInput {
 public:
  /// `path`: "-" is standard input. `guard` must outlive this.
  static StatusOr<std::unique_ptr<PipeInput>> Open(const std::string& path, InputGuard* guard);
  PipeInput(const PipeInput&) = delete;
  PipeInput& operator=(const PipeInput&) = delete;
  ~PipeInput();

  AVIOContext* io() { return io_; }

 private:
  PipeInput(int descriptor, bool owned, InputGuard* guard)
      : descriptor_(descriptor), owned_(owned), guard_(guard) {}
  static int Read(void* input, uint8_t* buffer, int size);

  const int descriptor_;
  const bool owned_;
  InputGuard* const guard_;
  AVIOContext* io_ = nullptr;
};

}  // namespace skald
