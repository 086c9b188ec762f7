#include "decoder/kws/query.h"

#include <charconv>
#include <utility>

#include "base/utf8.h"

namespace skald {
namespace {

constexpr double kDefaultNearS = 10;
constexpr int kMaxDepth = 50;
constexpr size_t kMaxText = 100'000;

struct Token {
  enum class Kind { kWord, kOr, kNear, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;     // upper case
  double within_s = 0;  // of kNear
  size_t position = 0;
};

Status Bad(const std::string& reason, size_t position) {
  return Status::InvalidArgument(reason).At("query, character " + std::to_string(position + 1));
}

/// Cuts the text into tokens; a quoted phrase becomes an open and a close around its words.
StatusOr<std::vector<Token>> Tokenize(std::string_view text) {
  std::vector<Token> tokens;
  bool quoted = false;
  size_t quote = 0;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++i;
    } else if (c == '"') {
      tokens.push_back({quoted ? Token::Kind::kClose : Token::Kind::kOpen, "\"", 0, i});
      quoted = !quoted;
      quote = i++;
    } else if (!quoted && (c == '(' || c == ')')) {
      tokens.push_back({c == '(' ? Token::Kind::kOpen : Token::Kind::kClose, std::string(1, c), 0, i});
      ++i;
    } else {
      const size_t end = std::min(text.find_first_of(quoted ? " \t\n\r\"" : " \t\n\r\"()", i), text.size());
      const std::string_view word = text.substr(i, end - i);
      Token token{Token::Kind::kWord, ToUpper(word), 0, i};
      if (!quoted && word == "OR") {
        token.kind = Token::Kind::kOr;
      } else if (!quoted && (word == "NEAR" || word.starts_with("NEAR/"))) {
        token.kind = Token::Kind::kNear;
        token.within_s = kDefaultNearS;
        if (word != "NEAR") {
          const char* first = word.data() + 5;
          const auto [last, error] = std::from_chars(first, word.data() + word.size(), token.within_s);
          if (error != std::errc() || last != word.data() + word.size() ||
              !(token.within_s >= 0 && token.within_s <= 1e6)) {
            return Bad("NEAR/ needs a number of seconds", i);
          }
        }
      }
      tokens.push_back(std::move(token));
      i = end;
    }
  }
  if (quoted) return Bad("a quotation mark is not closed", quote);
  tokens.push_back({Token::Kind::kEnd, "", 0, text.size()});
  return tokens;
}

bool IsAnyWord(const Query::Slot& slot) { return slot.size() == 1 && slot[0] == "*"; }

/// The alternatives of a query that is one word at most; false for others.
bool SingleWord(const Query& query, Query::Slot* slot) {
  if (query.kind == Query::Kind::kPhrase) {
    if (query.slots.size() != 1) return false;
    slot->insert(slot->end(), query.slots[0].begin(), query.slots[0].end());
    return true;
  }
  if (query.kind != Query::Kind::kOr) return false;
  for (const Query& part : query.parts) {
    if (!SingleWord(part, slot)) return false;
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  StatusOr<Query> Parse() {
    SKALD_ASSIGN_OR_RETURN(Query query, Or(0));
    if (Peek().kind != Token::Kind::kEnd) return Bad("')' without '('", Peek().position);
    SKALD_RETURN_IF_ERROR(CheckPhrases(query));
    return query;
  }

 private:
  const Token& Peek() const { return tokens_[next_]; }

  StatusOr<Query> Or(int depth) {
    if (depth > kMaxDepth) return Bad("parentheses are nested too deeply", Peek().position);
    Query result;
    result.kind = Query::Kind::kOr;
    do {
      if (!result.parts.empty()) ++next_;
      SKALD_ASSIGN_OR_RETURN(Query part, Near(depth));
      result.parts.push_back(std::move(part));
    } while (Peek().kind == Token::Kind::kOr);
    if (result.parts.size() > 1) return result;
    Query only = std::move(result.parts.front());
    return only;
  }

  StatusOr<Query> Near(int depth) {
    SKALD_ASSIGN_OR_RETURN(Query left, Phrase(depth));
    while (Peek().kind == Token::Kind::kNear) {
      const double within_s = tokens_[next_++].within_s;
      SKALD_ASSIGN_OR_RETURN(Query right, Phrase(depth));
      Query both;
      both.kind = Query::Kind::kNear;
      both.within_s = within_s;
      both.parts.push_back(std::move(left));
      both.parts.push_back(std::move(right));
      left = std::move(both);
    }
    return left;
  }

  StatusOr<Query> Phrase(int depth) {
    const size_t start = Peek().position;
    std::vector<Query> items;
    for (;; ++next_) {
      const Token& token = Peek();
      if (token.kind == Token::Kind::kWord) {
        items.push_back(PhraseQuery({token.text}));
      } else if (token.kind == Token::Kind::kOpen) {
        ++next_;
        SKALD_ASSIGN_OR_RETURN(Query inner, Or(depth + 1));
        if (Peek().kind != Token::Kind::kClose)
          return Bad("'" + token.text + "' is not closed", token.position);
        items.push_back(std::move(inner));
      } else {
        break;
      }
    }
    if (items.empty()) {
      return Bad(Peek().kind == Token::Kind::kEnd ? "a word is missing at the end"
                                                  : "a word is missing before '" + Peek().text + "'",
                 Peek().position);
    }
    if (items.size() == 1) {
      Query only = std::move(items.front());
      return only;
    }
    Query phrase;
    for (Query& item : items) {
      if (item.kind == Query::Kind::kPhrase) {
        for (Query::Slot& slot : item.slots) phrase.slots.push_back(std::move(slot));
        continue;
      }
      Query::Slot slot;
      if (!SingleWord(item, &slot)) {
        return Bad("inside a phrase, parentheses hold alternatives of single words only", start);
      }
      phrase.slots.push_back(std::move(slot));
    }
    return phrase;
  }

  Status CheckPhrases(const Query& query) const {
    for (const Query& part : query.parts) SKALD_RETURN_IF_ERROR(CheckPhrases(part));
    if (query.kind != Query::Kind::kPhrase) return Status::Ok();
    bool any_only = true;
    for (const Query::Slot& slot : query.slots) {
      for (const std::string& pattern : slot) {
        if (slot.size() > 1 && pattern == "*") return Bad("'*' is no alternative of a word", 0);
      }
      if (!IsAnyWord(slot)) any_only = false;
    }
    if (!any_only) return Status::Ok();
    return Bad("a phrase needs a word besides '*'", 0);
  }

  const std::vector<Token> tokens_;
  size_t next_ = 0;
};

}  // namespace

StatusOr<Query> ParseQuery(std::string_view text) {
  if (text.size() > kMaxText) return Status::InvalidArgument("the query is longer than 100,000 bytes");
  SKALD_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  return Parser(std::move(tokens)).Parse();
}

Query PhraseQuery(const std::vector<std::string>& words, double weight) {
  Query query;
  query.weight = weight;
  for (const std::string& word : words) query.slots.push_back({ToUpper(word)});
  return query;
}

}  // namespace skald
