/** What all resources of the REST API share: authentication, errors, pages. */
@NullMarked
package dev.posthorn.server.rest;

import org.jspecify.annotations.NullMarked;
