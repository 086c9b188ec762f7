#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"

namespace skald {

/// The text of a bundle.json that ReadBundleManifest reads back to the same manifest, confidence maps aside.
std::string BundleManifestToJson(const BundleManifest& manifest);

/// Makes a bundle folder that appears under its name only when complete: files go to FOLDER.part, Finish
/// writes bundle.json and renames it. Destroyed without Finish, it leaves nothing behind. Move-only.
class BundleWriter {
 public:
  /// kInvalidArgument where `folder` exists.
  static StatusOr<BundleWriter> Create(const std::string& folder);
  BundleWriter(BundleWriter&& other) noexcept;
  BundleWriter& operator=(BundleWriter&&) = delete;
  ~BundleWriter();

  /// Where to write a file of the bundle.
  std::string PathOf(const std::string& file) const { return part_ + "/" + file; }
  /// Lists every file of the folder (documents and what lies in subfolders aside) with size and SHA-256 in
  /// the manifest's `files`, checks the manifest as ReadBundleManifest does, writes it, and gives the folder
  /// its name.
  Status Finish(BundleManifest manifest);

 private:
  explicit BundleWriter(std::string folder);
  std::string folder_, part_;
};

/// "SYMBOL ID" lines, as ReadTokenList reads them.
std::string TokenListText(const std::vector<std::string>& symbols);

}  // namespace skald
