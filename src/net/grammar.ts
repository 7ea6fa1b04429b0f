/** A header's name. RFC 9110 section 5.6.2 */
export const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What a header's value may not hold. RFC 9110 section 5.5 */
export const FOREIGN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
