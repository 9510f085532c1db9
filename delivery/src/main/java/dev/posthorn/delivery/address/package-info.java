/**
 * Where may be sent to: the grammar of URLs, the rules for names, addresses and ports, and one decision by which every target is judged,
 * first for what its URL is and then, at each attempt, for the addresses that its name leads to.
 *
 * <p>Depends on nothing else of Posthorn. Deciding never connects.
 */
@NullMarked
package dev.posthorn.delivery.address;

import org.jspecify.annotations.NullMarked;
