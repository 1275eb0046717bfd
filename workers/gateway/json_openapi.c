#include "gateway/json_openapi.h"

/* The document is written as it is, and made a string by the preprocessor. */
#define JSON_TEXT(...) #__VA_ARGS__

/* clang-format off */
const char json_openapi[] = JSON_TEXT({
"openapi": "3.1.0",
"info": {
  "title": "Tierce",
  "version": "1",
  "summary": "A web search engine that a person can own.",
  "description": "Fields may be added to any answer: ignore those that you do not know. Errors are application/problem+json (RFC 9457). Times are RFC 3339, in UTC. Requests are limited per IPv4 address and per IPv6 /64."
},
"servers": [{"url": "/"}],
"security": [{}],
"paths": {
  "/api/v1/search": {
    "get": {
      "operationId": "search", "summary": "Search", "tags": ["search"],
      "description": "Every term must match. A bad query is never an error: read_as and notes say how it was read.",
      "security": [{}, {"token": []}],
      "parameters": [
        {"name": "q", "in": "query", "required": true, "description": "Words; \"phrases\", \"near each other\"~5, begin*, OR, -, ( ), and site:, lang:, type:, after:, before:, title:, headings:, url:, anchor:, body: in front.", "schema": {"type": "string", "maxLength": 2048}},
        {"$ref": "#/components/parameters/page"},
        {"$ref": "#/components/parameters/size"},
        {"name": "cursor", "in": "query", "description": "Of an earlier answer, valid for five minutes: makes paging stable.", "schema": {"type": "string"}},
        {"name": "duplicates", "in": "query", "description": "show: pages with the same or nearly the same text as results of their own, not listed with one of them", "schema": {"enum": ["show"]}}
      ],
      "responses": {
        "200": {"description": "Results, best first", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SearchAnswer"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/suggest": {
    "get": {
      "operationId": "suggest", "summary": "What somebody who has typed so much may mean", "tags": ["search"],
      "description": "The suggestions extension of OpenSearch. Four of them count as one request against the limit.",
      "security": [{}, {"token": []}],
      "parameters": [{"name": "q", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 1024}}],
      "responses": {
        "200": {"description": "The query, then at most eight others: the last word completed, and titles", "content": {"application/x-suggestions+json": {"schema": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "minItems": 2}}}},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/backlinks": {
    "get": {
      "operationId": "backlinks", "summary": "Pages that link to a URL", "tags": ["search"],
      "security": [{}, {"token": []}],
      "parameters": [
        {"name": "url", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 2048}},
        {"$ref": "#/components/parameters/page"},
        {"$ref": "#/components/parameters/size"}
      ],
      "responses": {
        "200": {"description": "The links", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Backlinks"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/urls": {
    "post": {
      "operationId": "addUrls", "summary": "Add pages to be crawled", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AddUrls"}}}},
      "responses": {
        "202": {"description": "Those accepted are in the log, on disk", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AddedUrls"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "403": {"$ref": "#/components/responses/Problem"},
        "413": {"$ref": "#/components/responses/Problem"},
        "415": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"},
        "507": {"$ref": "#/components/responses/Problem"}
      }
    },
    "delete": {
      "operationId": "removePages", "summary": "Remove a page, all pages below a prefix, or a site", "tags": ["admin"],
      "description": "They are gone from answers within a second.",
      "security": [{"token": []}, {"cookie": []}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Remove"}}}},
      "responses": {
        "200": {"description": "How many pages were held", "content": {"application/json": {"schema": {"type": "object", "required": ["removed"], "properties": {"removed": {"type": "integer", "minimum": 0}}}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "403": {"$ref": "#/components/responses/Problem"},
        "413": {"$ref": "#/components/responses/Problem"},
        "415": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/crawl": {
    "post": {
      "operationId": "controlCrawl", "summary": "Pause, resume or cancel the crawl, or one source of it", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Control"}}}},
      "responses": {
        "200": {"description": "Done, and in the log", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Control"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "403": {"$ref": "#/components/responses/Problem"},
        "404": {"$ref": "#/components/responses/Problem"},
        "413": {"$ref": "#/components/responses/Problem"},
        "415": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/why": {
    "get": {
      "operationId": "why", "summary": "Every stage that a URL went through, and where it stopped", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "parameters": [{"name": "url", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 2048}}],
      "responses": {
        "200": {"description": "The stages, in order", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Why"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/test-url": {
    "post": {
      "operationId": "testUrl", "summary": "Fetch a page now, show every decision, and keep nothing of it", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string", "maxLength": 2048}}}}}},
      "responses": {
        "200": {"description": "What would become of it", "content": {"application/json": {"schema": {"type": "object", "required": ["url", "indexed", "stages", "hops", "links"], "properties": {
          "url": {"type": "string"}, "indexed": {"type": "boolean"},
          "stages": {"type": "array", "items": {"type": "object"}}, "hops": {"type": "array", "items": {"type": "object"}},
          "page": {"type": "object"}, "link_count": {"type": "integer"}, "links": {"type": "array", "items": {"type": "object"}}
        }}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/explain": {
    "get": {
      "operationId": "explain", "summary": "Why a page has its score for a query, or does not match it", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "parameters": [
        {"name": "q", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 1024}},
        {"name": "url", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 2048}}
      ],
      "responses": {
        "200": {"description": "The score, part by part", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Explanation"}}}},
        "400": {"$ref": "#/components/responses/Problem"},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/stats": {
    "get": {
      "operationId": "stats", "summary": "What the installation does at present", "tags": ["admin"],
      "security": [{"token": []}, {"cookie": []}],
      "responses": {
        "200": {"description": "The statistics", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Stats"}}}},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/stats/stream": {
    "get": {
      "operationId": "watchStats", "summary": "The same once a second, as server-sent events", "tags": ["admin"],
      "description": "Each event's data is one Stats object. A stream ends after ten minutes, or when the worker that serves it ends: connect again, as EventSource does by itself.",
      "security": [{"token": []}, {"cookie": []}],
      "responses": {
        "200": {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        "401": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/TooMany"},
        "503": {"$ref": "#/components/responses/Unavailable"}
      }
    }
  },
  "/api/v1/openapi.json": {
    "get": {
      "operationId": "openapi", "summary": "This document", "tags": ["about"],
      "responses": {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}}
    }
  },
  "/healthz": {
    "get": {
      "operationId": "health", "summary": "Whether this worker answers", "tags": ["about"],
      "responses": {"200": {"description": "It does", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}}}
    }
  },
  "/readyz": {
    "get": {
      "operationId": "ready", "summary": "Whether a search would find all shards and the indexserver", "tags": ["about"],
      "responses": {
        "200": {"description": "It would", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}},
        "503": {"description": "It would not; reason says what is missing", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}}
      }
    }
  },
  "/metrics": {
    "get": {
      "operationId": "metrics", "summary": "Metrics for Prometheus", "tags": ["about"],
      "security": [{"token": []}, {"cookie": []}],
      "responses": {
        "200": {"description": "Text format 0.0.4", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "401": {"description": "The token is missing or wrong"}
      }
    }
  },
  "/opensearch.xml": {
    "get": {
      "operationId": "opensearch", "summary": "OpenSearch description, for browsers", "tags": ["about"],
      "responses": {"200": {"description": "The description", "content": {"application/opensearchdescription+xml": {"schema": {"type": "string"}}}}}
    }
  }
},
"components": {
  "securitySchemes": {
    "token": {"type": "http", "scheme": "bearer", "description": "The admin token: 64 hexadecimal digits, in admin.token in the data folder."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-tierce", "description": "Set by a one-time link. Requests that change something must also carry an Origin of this installation."}
  },
  "parameters": {
    "page": {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}, "description": "page times size is at most 1000 when searching."},
    "size": {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}}
  },
  "responses": {
    "Problem": {"description": "What is wrong", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
    "TooMany": {"description": "Too many requests from this address", "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
    "Unavailable": {"description": "Overloaded, or a part is not there", "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
  },
  "headers": {
    "RetryAfter": {"description": "Seconds after which to try again", "schema": {"type": "integer", "minimum": 1}}
  },
  "schemas": {
    "SearchAnswer": {
      "type": "object",
      "required": ["query", "read_as", "notes", "page", "size", "total", "total_relation", "partial", "cursor", "took_ms", "shards", "results"],
      "properties": {
        "query": {"type": "string"},
        "read_as": {"type": "string", "description": "How the query was understood"},
        "notes": {"type": "array", "items": {"type": "string"}, "description": "What was dropped, and why"},
        "page": {"type": "integer"},
        "size": {"type": "integer"},
        "total": {"type": "integer", "description": "Exact to 1000"},
        "total_relation": {"enum": ["eq", "gte"]},
        "partial": {"type": "boolean", "description": "Not every shard answered in time, or one of them is being made again from the log"},
        "cursor": {"type": "string", "description": "For the next page; empty at the end"},
        "did_you_mean": {
          "type": "object", "description": "Another spelling, where this one finds few results and that one clearly more; missing where there is none",
          "required": ["query", "total"], "properties": {"query": {"type": "string"}, "total": {"type": "integer", "minimum": 1}}
        },
        "took_ms": {"type": "number"},
        "shards": {"type": "object", "required": ["asked", "answered"], "properties": {"asked": {"type": "integer"}, "answered": {"type": "integer"}}},
        "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}}
      }
    },
    "Result": {
      "type": "object",
      "required": ["url", "title", "snippet", "score", "language", "inlinks", "fetched_at", "duplicate_count", "duplicates"],
      "properties": {
        "url": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "snippet": {"type": "string", "description": "HTML-escaped text, <mark> around what matched"},
        "score": {"type": "number"},
        "language": {"type": "string"},
        "inlinks": {"type": "integer"},
        "fetched_at": {"type": ["string", "null"], "format": "date-time"},
        "duplicate_count": {"type": "integer", "description": "Pages with the same or nearly the same text, of those looked at"},
        "duplicates": {"type": "array", "maxItems": 10, "items": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string", "format": "uri"}}}}
      }
    },
    "Backlinks": {
      "type": "object", "required": ["url", "total", "partial", "links"],
      "properties": {
        "url": {"type": "string", "description": "In normal form"},
        "total": {"type": "integer"},
        "partial": {"type": "boolean", "description": "There may be more: a part of the index is being made again from the log"},
        "links": {"type": "array", "items": {"type": "object", "required": ["url", "title", "anchor"], "properties": {"url": {"type": "string", "format": "uri"}, "title": {"type": "string"}, "anchor": {"type": "string"}}}}
      }
    },
    "AddUrls": {
      "type": "object", "required": ["urls"],
      "properties": {"urls": {"type": "array", "minItems": 1, "maxItems": 10000, "items": {"type": "string"}}}
    },
    "AddedUrls": {
      "type": "object", "required": ["accepted", "rejected"],
      "properties": {
        "accepted": {"type": "integer"},
        "rejected": {"type": "array", "items": {"type": "object", "required": ["url", "reason"], "properties": {"url": {"type": "string"}, "reason": {"type": "string"}}}}
      }
    },
    "Remove": {
      "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
      "properties": {
        "url": {"type": "string", "description": "One page"},
        "prefix": {"type": "string", "description": "Every page whose address begins so"},
        "site": {"type": "string", "description": "Every page of a host, or of host:port"}
      }
    },
    "Control": {
      "type": "object", "required": ["action"],
      "properties": {
        "action": {"enum": ["pause", "resume", "cancel", "confirm"]},
        "source": {"type": "string", "default": "", "description": "A source's address; empty: the whole crawl"}
      }
    },
    "Why": {
      "type": "object", "required": ["url", "known", "stages"],
      "properties": {
        "url": {"type": "string"},
        "known": {"type": "boolean"},
        "slot": {"type": "integer"},
        "stages": {"type": "array", "items": {"type": "object", "required": ["name", "verdict", "words", "time"], "properties": {
          "name": {"type": "string"},
          "verdict": {"type": "string", "description": "ok, stopped, waiting or unknown"},
          "words": {"type": "string"},
          "time": {"type": ["string", "null"], "format": "date-time"},
          "cure": {"type": "string", "description": "What would change a verdict other than ok; may be empty"},
          "facts": {"type": "array", "description": "What the stage goes by; a name may come more than once", "items": {"type": "object", "required": ["name", "value"], "properties": {
            "name": {"type": "string"}, "value": {"type": "string"}
          }}}
        }}},
        "asked": {"type": "string"},
        "fetches": {"type": "array", "description": "The last ones, the newest first", "items": {"type": "object", "required": ["time", "status", "result"], "properties": {
          "time": {"type": ["string", "null"], "format": "date-time"}, "status": {"type": "integer", "description": "0: no answer"},
          "result": {"type": "string"}, "fetch_ms": {"type": "integer"}, "changed": {"type": "boolean", "description": "It brought content"},
          "words": {"type": "string"}
        }}}
      }
    },
    "Explanation": {
      "type": "object",
      "required": ["query", "read_as", "url", "found", "matches", "failed", "score", "rank", "in_window", "words_score", "title", "url_score", "gain", "factor", "inlinks", "link_factor", "freshness_factor", "first_score", "second_score", "words"],
      "properties": {
        "query": {"type": "string"}, "read_as": {"type": "string"}, "url": {"type": "string"},
        "found": {"type": "boolean", "description": "It is in the index"},
        "matches": {"type": "boolean"},
        "failed": {"type": "array", "items": {"type": "string"}, "description": "Parts of the query that it does not match, or must not"},
        "score": {"type": "number", "description": "As in the results"},
        "rank": {"type": "integer", "description": "Among those that are looked at again; 0: behind them"},
        "in_window": {"type": "boolean"},
        "words_score": {"type": "number"}, "title": {"type": "number"}, "url_score": {"type": "number"},
        "gain": {"type": "number"}, "factor": {"type": "number"}, "inlinks": {"type": "integer"},
        "link_factor": {"type": "number"}, "freshness_factor": {"type": "number"},
        "first_score": {"type": "number", "description": "words_score x factor"},
        "second_score": {"type": "number", "description": "(words_score + gain) x (factor x freshness_factor)"},
        "words": {"type": "array", "items": {"type": "object", "required": ["counts", "prefix", "weight", "frequency", "score", "closeness", "forms"], "properties": {
          "counts": {"type": "boolean"}, "prefix": {"type": "boolean"}, "weight": {"type": "number"}, "frequency": {"type": "number"},
          "score": {"type": "number"}, "closeness": {"type": "number"},
          "forms": {"type": "array", "items": {"type": "object", "required": ["term", "documents", "frequency", "fields"], "properties": {
            "term": {"type": "string"}, "documents": {"type": "integer"}, "frequency": {"type": "number"},
            "fields": {"type": "array", "items": {"type": "object", "required": ["field", "count", "length", "weighed"], "properties": {
              "field": {"enum": ["title", "headings", "url", "anchor", "body"]}, "count": {"type": "integer"},
              "length": {"type": "integer"}, "weighed": {"type": "number"}
            }}}
          }}}
        }}}
      }
    },
    "Stats": {
      "type": "object",
      "required": ["time", "version", "documents", "searches", "requests", "cache_hits", "partial", "limited", "top_searches", "barrels", "downloaders", "processes", "frontier", "log", "sources", "memory", "config", "base_url"],
      "properties": {
        "time": {"type": ["string", "null"], "format": "date-time"},
        "version": {"type": "string"},
        "documents": {"type": "integer", "description": "Documents that can be found"},
        "searches": {"type": "integer"},
        "requests": {"type": "integer"},
        "cache_hits": {"type": "integer"},
        "partial": {"type": "integer"},
        "limited": {"type": "integer"},
        "top_searches": {"type": "array", "maxItems": 10, "items": {"type": "object", "required": ["query", "count"], "properties": {"query": {"type": "string"}, "count": {"type": "integer"}}}},
        "barrels": {"type": "array", "items": {"type": "object", "required": ["name", "shard", "replica", "documents", "bytes", "position", "mean_response_ms"], "properties": {
          "name": {"type": "string"}, "address": {"type": "string"}, "state": {"type": "string"},
          "shard": {"type": "integer"}, "replica": {"type": "integer"},
          "documents": {"type": "integer"}, "segments": {"type": "integer"}, "edges": {"type": "integer"},
          "bytes": {"type": "integer"}, "position": {"type": "integer", "description": "Of the log, applied"},
          "calls": {"type": "integer"}, "mean_response_ms": {"type": "number", "description": "In tenths, over the last minute"},
          "stopped": {"type": "string", "description": "Why it indexes nothing at present; empty: it does"},
          "rebuilding": {"type": "boolean", "description": "Its index was begun anew, as it was new or damaged, and is not yet what it was"},
          "checked_percent": {"type": "integer", "description": "How far the look for wrong bytes that goes on has come"},
          "checked_at": {"type": "string", "format": "date-time", "description": "When the last look for wrong bytes ended that found none; missing: none has"}
        }}},
        "downloaders": {"type": "array", "items": {"type": "object", "required": ["name", "pages", "bytes", "errors", "fetching"], "properties": {
          "name": {"type": "string"}, "pages": {"type": "integer"}, "bytes": {"type": "integer"}, "errors": {"type": "integer"},
          "fetching": {"type": "integer"}, "parser_restarts": {"type": "integer"}
        }}},
        "processes": {"type": "array", "items": {"type": "object", "required": ["name", "role", "state", "pid", "anonymous", "shared", "mapped"], "properties": {
          "name": {"type": "string"}, "role": {"type": "string"}, "state": {"type": "string"}, "pid": {"type": "integer"},
          "machine": {"type": "string"}, "address": {"type": "string"}, "version": {"type": "string"}, "restarts": {"type": "integer"},
          "started_at": {"type": ["string", "null"], "format": "date-time"}, "trouble": {"type": "string"},
          "anonymous": {"type": "integer", "description": "RssAnon, bytes"}, "shared": {"type": "integer", "description": "RssShmem, bytes"}, "mapped": {"type": "integer", "description": "RssFile, bytes"}
        }}},
        "frontier": {"type": "object", "required": ["known", "queued", "leased", "fetched", "hosts", "hosts_waiting", "paused"], "properties": {
          "known": {"type": "integer"}, "queued": {"type": "integer"}, "leased": {"type": "integer"}, "fetched": {"type": "integer"},
          "hosts": {"type": "integer"}, "hosts_waiting": {"type": "integer"}, "paused": {"type": "string", "description": "Why the crawl stands still; empty: it goes on"}
        }},
        "log": {"type": "object", "required": ["position", "entries", "documents", "bytes", "disk_limit", "oldest_position"], "properties": {
          "position": {"type": "integer"}, "entries": {"type": "integer"}, "documents": {"type": "integer"}, "bytes": {"type": "integer"},
          "disk_limit": {"type": "integer"}, "oldest_position": {"type": "integer", "description": "Of the registered replicas"}
        }},
        "sources": {"type": "array", "items": {"type": "object", "required": ["url", "state", "known", "queued", "fetched", "failed", "bytes", "public"], "properties": {
          "url": {"type": "string"}, "state": {"type": "string"}, "known": {"type": "integer"}, "queued": {"type": "integer"},
          "fetched": {"type": "integer"}, "failed": {"type": "integer"}, "bytes": {"type": "integer"}, "public": {"type": "boolean"}
        }}},
        "memory": {"type": "object", "required": ["anonymous", "shared", "mapped", "resident", "limit"], "properties": {
          "anonymous": {"type": "integer"}, "shared": {"type": "integer"}, "mapped": {"type": "integer"}, "resident": {"type": "integer", "description": "anonymous + shared: what the limit is for"}, "limit": {"type": "integer"}
        }},
        "config": {"type": "object", "required": ["version", "error"], "properties": {
          "version": {"type": "integer"}, "error": {"type": "string", "description": "file:line:column and words, where the newest config.yaml was refused; empty: it is in force"}
        }},
        "base_url": {"type": "string", "description": "where browsers find this installation"}
      }
    },
    "Health": {
      "type": "object", "required": ["status"],
      "properties": {"status": {"type": "string"}, "reason": {"type": "string"}}
    },
    "Problem": {
      "type": "object", "required": ["type", "title", "status", "detail"],
      "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}
    }
  }
}
});
/* clang-format on */
