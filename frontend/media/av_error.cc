#include "frontend/media/av_error.h"

#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <string_view>

#include "base/log.h"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/log.h>
}

namespace skald {
namespace {

StatusCode CodeOf(int error) {
  switch (error) {
    case AVERROR(ENOENT):
      return StatusCode::kNotFound;
    case AVERROR(ENOMEM):
      return StatusCode::kResourceExhausted;
    case AVERROR(EACCES):
    case AVERROR(EPERM):
    case AVERROR(EISDIR):
    case AVERROR(EIO):
    case AVERROR(EPIPE):
    case AVERROR(ENXIO):
    case AVERROR(ENODEV):
    case AVERROR_EXIT:
      return StatusCode::kIo;
    case AVERROR_PROTOCOL_NOT_FOUND:
      return StatusCode::kInvalidArgument;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS):
      return StatusCode::kUnsupported;
    default:
      return StatusCode::kCorrupt;
  }
}

void ForwardToLog(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char line[512];
  int print_prefix = 1;
  av_log_format_line2(context, level, format, arguments, line, sizeof(line), &print_prefix);
  std::string_view text(line);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  Log(LogLevel::kDebug, text);
}

}  // namespace

std::string AvErrorText(int error) {
  if (error == AVERROR_EXIT) return "no more data came";
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

Status AvError(int error, const std::string& what) {
  return Status(CodeOf(error), what + ": " + AvErrorText(error));
}

void RouteAvLog() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(ForwardToLog); });
}

}  // namespace skald
