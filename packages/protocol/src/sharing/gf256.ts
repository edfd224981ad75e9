/**
 * The field of 256 elements with AES's polynomial x⁸ + x⁴ + x³ + x + 1 (FIPS 197 §4). Neither a branch nor an index
 * depends on an operand: elements are bytes of secrets.
 */

/** a·b */
export function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = a;
  for (let bit = 0; bit < 8; bit++) {
    product ^= shifted & -((b >> bit) & 1);
    shifted = ((shifted << 1) ^ (0x11b & -(shifted >> 7))) & 0xff;
  }
  return product;
}

/** a⁻¹ = a²⁵⁴; zero for zero. */
export function invert(a: number): number {
  let result = 1;
  let power = a;
  // 254 = 2 + 4 + … + 128
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}
