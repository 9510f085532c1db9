package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.HttpAnswer;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * One answered page.
 *
 * @param url that was asked
 * @param json the whole answer
 * @param elements of its list of records
 */
record Page(String url, HttpAnswer answer, JsonNode json, List<JsonNode> elements) {}
