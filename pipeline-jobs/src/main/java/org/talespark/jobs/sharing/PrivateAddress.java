package org.talespark.jobs.sharing;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the address that a node listens on: one of this machine's own that is not reachable from
 * the internet, for what arrives there is not authenticated.
 */
final class PrivateAddress {
  private static final int BITS = 32;

  private PrivateAddress() {}

  /**
   * The address of this machine in a network, or of a host name.
   *
   * @param host name or number of this machine
   * @param mask as in 10.0.0.0/8, or null
   * @throws IllegalArgumentException when there is none, or when it is public
   */
  static String find(String host, String mask) {
    InetAddress address = mask == null ? own(host) : inside(mask);
    if (!isPrivate(address)) {
      throw new IllegalArgumentException(
          "Cannot share gradients: address=%s is public, expected a private one, for the parameter server takes unauthenticated UDP; try gradient_sharing.network_mask"
              .formatted(address.getHostAddress()));
    }
    return address.getHostAddress();
  }

  private static InetAddress own(String host) {
    try {
      InetAddress address = InetAddress.getByName(host);
      if (address instanceof Inet4Address && NetworkInterface.getByInetAddress(address) != null) {
        return address;
      }
      throw new IllegalArgumentException(
          "Cannot share gradients: host=%s is %s, expected an IPv4 address of this machine; try gradient_sharing.network_mask"
              .formatted(host, address.getHostAddress()));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "Cannot share gradients: host=%s, expected a known name; try gradient_sharing.network_mask"
              .formatted(host),
          e);
    }
  }

  private static InetAddress inside(String mask) {
    List<InetAddress> present = new ArrayList<>();
    try {
      NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(Inet4Address.class::isInstance)
          .forEach(present::add);
    } catch (SocketException e) {
      throw new IllegalArgumentException(
          "Cannot share gradients: the addresses of this machine cannot be listed, expected some",
          e);
    }
    int[] network = parse(mask);
    return present.stream()
        .filter(address -> (bits(address) ^ network[0]) >>> 1 >>> (BITS - 1 - network[1]) == 0)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Cannot share gradients: gradient_sharing.network_mask=%s, expected a network of one of %s"
                        .formatted(mask, present)));
  }

  /** Refuses what is not a network. */
  static void checkMask(String mask) {
    parse(mask);
  }

  /** The network's first address and the number of bits that count. */
  private static int[] parse(String mask) {
    int slash = mask.indexOf('/');
    try {
      if (slash > 0 && mask.substring(0, slash).matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}")) {
        int length = Integer.parseInt(mask.substring(slash + 1));
        if (length >= 1 && length <= BITS) {
          return new int[] {bits(InetAddress.getByName(mask.substring(0, slash))), length};
        }
      }
    } catch (UnknownHostException | NumberFormatException e) {
      throw badMask(mask, e);
    }
    throw badMask(mask, null);
  }

  private static IllegalArgumentException badMask(String mask, Exception cause) {
    return new IllegalArgumentException(
        "Cannot share gradients: gradient_sharing.network_mask=%s, expected four numbers and a length as in 10.0.0.0/8"
            .formatted(mask),
        cause);
  }

  private static int bits(InetAddress address) {
    return ByteBuffer.wrap(address.getAddress()).getInt();
  }

  /** Loopback, link-local, RFC 1918 or RFC 6598. */
  static boolean isPrivate(InetAddress address) {
    byte[] bytes = address.getAddress();
    boolean shared = bytes.length == 4 && bytes[0] == 100 && (bytes[1] & 0xc0) == 64;
    return shared
        || address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress();
  }

  /** Whether the text is the number of a private IPv4 address; looks nothing up. */
  static boolean isPrivateNumber(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 4 || !Arrays.stream(parts).allMatch(part -> part.matches("[0-9]{1,3}"))) {
      return false;
    }
    try {
      return isPrivate(InetAddress.getByName(text));
    } catch (UnknownHostException e) {
      return false;
    }
  }
}
