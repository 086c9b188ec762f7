// A keyword index: puts media into it, then finds where something may have been said.
//     search_index INDEX_FOLDER QUERY MEDIA...
#include <cstdio>
#include <skald/keyword_index.h>
#include <skald/keyword_indexer.h>
#include <skald/recognizer.h>
#include <string>
#include <vector>

namespace {

/// Transcribes the files and keeps everything that may have been said in them.
skald::Status AddToIndex(const std::string& folder, const std::vector<std::string>& media) {
  auto recognizer = skald::Recognizer::Create(skald::RecognizerOptions());
  if (!recognizer.ok()) return recognizer.status();
  auto indexer = skald::KeywordIndexer::Open(folder, (*recognizer)->graph());
  if (!indexer.ok()) return indexer.status();
  skald::Status failure;
  const auto add = [&](const skald::FileResult& result) {
    const skald::Status status = result.status.ok() ? indexer->AddFile(result) : result.status;
    if (failure.ok()) failure = status;
  };
  (*recognizer)->TranscribeFiles(media, skald::MediaOptions(), add, {}, indexer->lattice_sink());
  const skald::Status finished = indexer->Finish();
  return failure.ok() ? finished : failure;
}

skald::Status Search(const std::string& folder, const std::string& query) {
  auto index = skald::KeywordIndex::Open(folder);
  if (!index.ok()) return index.status();
  // Words that the recognizer does not know are found by their sound with the model's pronunciations.
  if (const auto model = skald::FindDefaultBundle(); model.ok()) {
    index->SetPronunciations(*model + "/pronunciations.txt.gz");
  }
  const auto result = index->Search(query);
  if (!result.ok()) return result.status();
  for (const skald::KeywordHit& hit : result->hits) {
    std::printf("%.3f %s %.2f-%.2f s: %s\n", hit.score, hit.file.c_str(), hit.start_s, hit.end_s,
                hit.context.c_str());
  }
  return skald::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: search_index INDEX_FOLDER QUERY MEDIA...\n");
    return 1;
  }
  skald::Status status = skald::Status::Ok();
  if (argc > 3) status = AddToIndex(argv[1], std::vector<std::string>(argv + 3, argv + argc));
  if (status.ok()) status = Search(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
