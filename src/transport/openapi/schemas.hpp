// JSON Schemas (2020-12, the dialect of OpenAPI 3.1) of described types.
#pragma once

#include "base/described.hpp"
#include "transport/openapi/pretty_json.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::openapi {

using member_names = std::set<std::string_view>;

// Gives each record and enumeration one name: its own, or with its service's in front where two
// differ under one name. Names depend on what was noted, not on the order of noting within a
// service.
class schemas {
 public:
    // A type that the document speaks of, with all that it holds; `left_out` are members that a
    // body does not carry because the path does.
    void note(const type& of, std::string_view service, const member_names& left_out = {});
    // After the last note().
    void settle_names();

    // {"$ref": …} for records and enumerations, else the schema itself. Rules are the enclosing
    // record's.
    void write_use(pretty_json& out, const type& of, const member_names& left_out = {}) const;
    // The schema of a member, with what its record's rules say of it.
    void write_member(pretty_json& out, const type& record, const member& m) const;
    void write_components(pretty_json& out) const;

    static const type& plain(const type& of) {
        return of.what == kind::optional ? *of.element : of;
    }

 private:
    struct entry {
        const type* of;
        member_names left_out;
        std::string service;
        std::string name;
    };
    const entry* find(const type& of, const member_names& left_out) const;
    void write_inside(pretty_json& out, const type& of) const;
    void write_rules(pretty_json& out, const type& record, const member& m, const type& of) const;
    void write_record(pretty_json& out, const entry& one) const;

    std::vector<entry> entries_;
};

}  // namespace stoa::openapi
