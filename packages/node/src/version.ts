/** The software's version, as peers and operators see it. A test holds it to package.json. */
export const version = '0.1.0';
