#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

namespace skald {

/// What kind of failure a Status reports. Callers branch on the kind; people read the message.
enum class StatusCode {
  kOk = 0,
  kInvalidArgument,    ///< an option or a call is wrong: the caller's mistake
  kNotFound,           ///< a file or an entry does not exist
  kIo,                 ///< the operating system refused to read or write
  kCorrupt,            ///< data is damaged, truncated, or fails its checksum
  kUnsupported,        ///< data is well formed, but of a kind that Skald does not handle
  kResourceExhausted,  ///< host memory or a stated limit is used up
  kCancelled,          ///< the caller asked to stop
  kDeviceError,        ///< CUDA or one of its libraries failed
  kDeviceOutOfMemory,  ///< device memory is used up: a smaller batch may succeed
};

/// Name of a code as it appears in reports, e.g. "corrupt".
const char* StatusCodeName(StatusCode code);

/// The result of an operation that can fail because of its input or its surroundings. A failure names the
/// file, the position in it and the reason, as far as each is known. Cheap to move; thread safe as a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string reason) : code_(code), reason_(std::move(reason)) {}  ///< any kind

  static Status Ok() { return {}; }  ///< success
  static Status InvalidArgument(std::string reason) {
    return {StatusCode::kInvalidArgument, std::move(reason)};
  }  ///< of that kind
  static Status NotFound(std::string reason) { return {StatusCode::kNotFound, std::move(reason)}; }  ///< same
  static Status Io(std::string reason) { return {StatusCode::kIo, std::move(reason)}; }              ///< same
  static Status Corrupt(std::string reason) { return {StatusCode::kCorrupt, std::move(reason)}; }    ///< same
  static Status Unsupported(std::string reason) { return {StatusCode::kUnsupported, std::move(reason)}; }
  static Status ResourceExhausted(std::string reason) {
    return {StatusCode::kResourceExhausted, std::move(reason)};
  }  ///< of that kind

  bool ok() const { return code_ == StatusCode::kOk; }       ///< whether it is success
  StatusCode code() const { return code_; }                  ///< the kind of failure
  const std::string& file() const { return file_; }          ///< empty where unknown
  const std::string& position() const { return position_; }  ///< empty where unknown
  const std::string& reason() const { return reason_; }      ///< what went wrong

  /// Adds where it happened; an outer caller never overwrites what an inner one said.
  Status&& InFile(std::string file) &&;
  /// `position` is a phrase such as "line 12", "byte 4096" or "tensor encoder.conv1.weight".
  Status&& At(std::string position) &&;

  /// One line: "FILE: POSITION: REASON", parts that are unknown left out; "ok" for success.
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string file_;
  std::string position_;
  std::string reason_;
};

/// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] StatusOr {
 public:
  StatusOr(Status status)
      : status_(std::move(status)) {  // NOLINT: implicit by design, as in `return Status::Io(..)`
    SKALD_CHECK(!status_.ok(), "StatusOr built from an ok Status without a value");
  }                                                ///< why there is no value; must not be ok
  StatusOr(T value) : value_(std::move(value)) {}  ///< a value. NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }       ///< whether there is a value
  const Status& status() const& { return status_; }    ///< ok where there is a value
  Status&& status() && { return std::move(status_); }  ///< the same

  T& value() & { return Checked(); }  ///< there must be one: a broken invariant else
  const T& value() const& { return const_cast<StatusOr*>(this)->Checked(); }  ///< the same
  T value() && { return std::move(Checked()); }     ///< by value: safe in a range-for over a call
  T& operator*() & { return Checked(); }            ///< value()
  const T& operator*() const& { return value(); }   ///< value()
  T* operator->() { return &Checked(); }            ///< of value()
  const T* operator->() const { return &value(); }  ///< of value()

 private:
  T& Checked() {
    SKALD_CHECK(value_.has_value(), status_.ToString().c_str());
    return *value_;
  }
  Status status_;
  std::optional<T> value_;
};

}  // namespace skald

#define SKALD_CONCAT_INNER(a, b) a##b
#define SKALD_CONCAT(a, b) SKALD_CONCAT_INNER(a, b)

/// Returns from the enclosing function with the Status of `expression` unless it is ok.
#define SKALD_RETURN_IF_ERROR(expression) \
  SKALD_RETURN_IF_ERROR_INNER(SKALD_CONCAT(skald_status_, __LINE__), expression)
#define SKALD_RETURN_IF_ERROR_INNER(status, expression)                     \
  do {                                                                      \
    if (::skald::Status status = (expression); !status.ok()) return status; \
  } while (false)

/// Evaluates a StatusOr; on success `target` (a declaration or an lvalue) receives the value, else the
/// function returns.
#define SKALD_ASSIGN_OR_RETURN(target, expression) \
  SKALD_ASSIGN_OR_RETURN_INNER(SKALD_CONCAT(skald_status_or_, __LINE__), target, expression)
#define SKALD_ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                                    \
  if (!temporary.ok()) return std::move(temporary).status();        \
  target = std::move(temporary).value()

/// @fn skald::Status::Unsupported(std::string reason)
/// A failure of that kind.
