#include "base/status.h"

namespace skald {

const char* StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kIo:
      return "input/output error";
    case StatusCode::kCorrupt:
      return "corrupt";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kResourceExhausted:
      return "resource exhausted";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kDeviceError:
      return "device error";
    case StatusCode::kDeviceOutOfMemory:
      return "device out of memory";
  }
  return "unknown";
}

Status&& Status::InFile(std::string file) && {
  if (!ok() && file_.empty()) file_ = std::move(file);
  return std::move(*this);
}

Status&& Status::At(std::string position) && {
  if (!ok() && position_.empty()) position_ = std::move(position);
  return std::move(*this);
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  std::string text;
  if (!file_.empty()) text += file_ + ": ";
  if (!position_.empty()) text += position_ + ": ";
  return text + reason_;
}

}  // namespace skald
