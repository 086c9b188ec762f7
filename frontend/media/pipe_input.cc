#include "frontend/media/pipe_input.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skald {
namespace {

constexpr int kBufferBytes = 32768;
constexpr int kPollMilliseconds = 50;  // how late a stall may be noticed

}  // namespace

StatusOr<std::unique_ptr<PipeInput>> PipeInput::Open(const std::string& path, InputGuard* guard) {
  // Not blocking: opening a named pipe would wait for its writer.
  const bool standard_input = path == "-";
  const int descriptor =
      standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return Status::Io(std::strerror(errno));
  std::unique_ptr<PipeInput> input(new PipeInput(descriptor, !standard_input, guard));
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
  if (buffer != nullptr) {
    input->io_ = avio_alloc_context(buffer, kBufferBytes, 0, input.get(), Read, nullptr, nullptr);
  }
  if (input->io_ == nullptr) {
    av_free(buffer);
    return Status::ResourceExhausted("no memory for the input");
  }
  return input;
}

PipeInput::~PipeInput() {
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
  if (owned_) ::close(descriptor_);
}

int PipeInput::Read(void* opaque, uint8_t* buffer, int size) {
  const PipeInput& input = *static_cast<PipeInput*>(opaque);
  for (;;) {
    pollfd wanted = {input.descriptor_, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, kPollMilliseconds);
    if (ready > 0) {
      const ssize_t count = ::read(input.descriptor_, buffer, static_cast<size_t>(size));
      if (count > 0) {
        input.guard_->NoteProgress();
        return static_cast<int>(count);
      }
      if (count == 0) return AVERROR_EOF;
      if (errno != EAGAIN && errno != EINTR) return AVERROR(errno);
    } else if (ready < 0 && errno != EINTR) {
      return AVERROR(errno);
    }
    if (input.guard_->Stalled()) return AVERROR_EXIT;
  }
}

}  // namespace skald
