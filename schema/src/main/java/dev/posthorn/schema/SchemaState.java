package dev.posthorn.schema;

/** How a database's schema compares with the one this program was built for. */
public enum SchemaState {
    /** There is no schema {@code posthorn}, or nothing in it. */
    EMPTY,
    /** It was migrated by an older Posthorn. */
    BEHIND,
    /** It is the one this program knows. */
    CURRENT,
    /** It was migrated by a newer Posthorn, and still serves this program. */
    COMPATIBLE,
    /** It was migrated by a newer Posthorn, and no longer serves this program. */
    NEWER
}
