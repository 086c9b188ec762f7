#pragma once

#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

namespace skald {

/// Calls one of FFmpeg's functions that free an object and clear the pointer to it.
template <auto kFree>
struct AvDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(&object);
  }
};

using FormatContext = std::unique_ptr<AVFormatContext, AvDeleter<avformat_close_input>>;
using CodecContext = std::unique_ptr<AVCodecContext, AvDeleter<avcodec_free_context>>;
using SwrHandle = std::unique_ptr<SwrContext, AvDeleter<swr_free>>;
using FrameHandle = std::unique_ptr<AVFrame, AvDeleter<av_frame_free>>;
using PacketHandle = std::unique_ptr<AVPacket, AvDeleter<av_packet_free>>;

/// Owns the options handed to an FFmpeg call, which takes out the entries that it knew.
class AvOptions {
 public:
  AvOptions() = default;
  AvOptions(const AvOptions&) = delete;
  AvOptions& operator=(const AvOptions&) = delete;
  ~AvOptions() { av_dict_free(&entries_); }
  void Set(const char* key, const char* value) { av_dict_set(&entries_, key, value, 0); }
  AVDictionary** get() { return &entries_; }

 private:
  AVDictionary* entries_ = nullptr;
};

struct AvUnrefPacket {
  void operator()(AVPacket* packet) const { av_packet_unref(packet); }
};
/// The payload inside a packet object: released when this dies, while the packet object lives on to be filled
/// again.
using PacketPayload = std::unique_ptr<AVPacket, AvUnrefPacket>;

}  // namespace skald
