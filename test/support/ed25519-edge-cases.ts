/** Encodings, in hexadecimal, that a strict decoder of edwards25519 refuses. */

/** The eight points of small order, the identity first. */
export const smallOrder: readonly string[] = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];

/** Every y from p to 2^255 - 1 with either sign, and the two negative zeros. */
export const nonCanonical: readonly string[] = [
  ...Array.from({ length: 19 }, (_, i) => (0xed + i).toString(16)).flatMap((low) => [
    `${low}${'ff'.repeat(30)}7f`,
    `${low}${'ff'.repeat(31)}`,
  ]),
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
];

/** The generator plus each point of small order but the identity. */
export const mixedOrder: readonly string[] = [
  '9599999999999999999999999999999999999999999999999999999999999999',
  '9bad33f580df7ecc49df5342bac8145d5bedc40f573d1b067f3c4ce449689a15',
  '5252cc0a7f208133b620acbd4537eba2a4123bf0a8c2e4f980c3b31bb69765ea',
  'da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2',
  '55ae61520ca466adcc4ae4a32dc1633a5d749c64a5b50f136fc3469f27e487e6',
  '98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819',
  '13661d745ad63221ca5da0456fa618713511dc60668aa464e55b09a20ff7fc1d',
];
