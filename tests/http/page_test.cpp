// The files of the page, and what browsers are told about them.
#include "http/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

const page_file& page() {
  return *find_page_file("");
}

std::string header(const http_response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name)
      return value;
  return {};
}

TEST(page_test, is_found_by_name_and_without_one) {
  EXPECT_EQ(page().name, "index.html");
  ASSERT_NE(find_page_file("main.js"), nullptr);
  EXPECT_EQ(find_page_file("main.js")->name, "main.js");
  for (auto name : {"main", "MAIN.JS", "../main.js", "page/main.js", "."})
    EXPECT_EQ(find_page_file(name), nullptr) << name;
}

TEST(page_test, has_the_type_of_its_kind) {
  for (auto [name, type] : {std::pair{"index.html", "text/html; charset=utf-8"},
                            {"base.css", "text/css; charset=utf-8"},
                            {"main.js", "text/javascript; charset=utf-8"},
                            {"icon.svg", "image/svg+xml"}})
    EXPECT_EQ(page_response(*find_page_file(name), "").content_type, type);
}

TEST(page_test, every_file_forbids_what_the_page_does_not_need) {
  for (const auto& file : page_files()) {
    auto response = page_response(file, "");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, file.text);
    auto policy = header(response, "content-security-policy");
    for (auto rule :
         {"default-src 'none';", "script-src 'self';", "style-src 'self';",
          "connect-src 'self';", "base-uri 'none';", "form-action 'none';",
          "frame-ancestors 'none';", "require-trusted-types-for 'script';"})
      EXPECT_THAT(policy, HasSubstr(rule)) << file.name;
    EXPECT_THAT(policy, Not(HasSubstr("unsafe"))) << file.name;
    EXPECT_EQ(header(response, "x-content-type-options"), "nosniff");
    EXPECT_EQ(header(response, "referrer-policy"), "no-referrer");
  }
}

TEST(page_test, is_not_sent_to_who_has_it) {
  std::string etag{page().etag};
  for (const auto& known : {etag, "W/" + etag, "\"x\", " + etag,
                            std::string{"*"}, etag + " , \"y\""})
    EXPECT_EQ(page_response(page(), known).status, 304u) << known;
  for (const auto& known :
       {std::string{}, std::string{"\"x\""}, etag.substr(1), "x" + etag})
    EXPECT_EQ(page_response(page(), known).status, 200u) << known;
  auto response = page_response(page(), etag);
  EXPECT_EQ(header(response, "etag"), etag);
  EXPECT_EQ(header(response, "cache-control"), "no-cache");
}

TEST(page_test, files_differ_in_their_tags) {
  std::set<std::string_view> tags;
  for (const auto& file : page_files())
    EXPECT_TRUE(tags.insert(file.etag).second) << file.name;
}

// Nothing is loaded that is not there, and nothing from elsewhere.
TEST(page_test, refers_to_its_own_files_alone) {
  std::regex reference{
      R"((?:from |import )'\./([^']+)'|(?:src|href)="(?:page/)([^"]+)\")"};
  for (const auto& file : page_files()) {
    std::string text{file.text};
    for (std::sregex_iterator at{text.begin(), text.end(), reference}, end;
         at != end; ++at) {
      auto name = (*at)[1].matched ? (*at)[1].str() : (*at)[2].str();
      EXPECT_NE(find_page_file(name), nullptr) << file.name << ": " << name;
    }
    for (auto way : {"innerHTML", "outerHTML", "insertAdjacentHTML",
                     "document.write", "eval(", "style=\"", "onclick=\"",
                     "src=\"http", "href=\"http", "url("})
      EXPECT_THAT(text, Not(HasSubstr(way))) << file.name;
  }
}

} // namespace
} // namespace model_server
