package org.talespark.zoo.contrastive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.talespark.zoo.io.SafetensorsFile;

/** Against what {@code src/test/python/pictures.py} wrote. */
class ClipProcessorTest {
  private static final int WIDTH = 37;
  private static final int HEIGHT = 23;
  private static final String OF_CLIP =
      """
      {"do_resize": true, "size": {"shortest_edge": 16}, "resample": 3,
       "do_center_crop": true, "crop_size": {"height": 12, "width": 12},
       "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
       "image_mean": [0.48145466, 0.4578275, 0.40821073],
       "image_std": [0.26862954, 0.26130258, 0.27577711]}
      """;

  private static SafetensorsFile file() throws IOException {
    try {
      return SafetensorsFile.open(
          Path.of(ClipProcessorTest.class.getResource("/pictures/pillow.safetensors").toURI()));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] bytes(SafetensorsFile file, String name) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    file.tensor(name).transferTo(Channels.newChannel(out));
    return out.toByteArray();
  }

  private static byte[] picture() throws IOException {
    try (SafetensorsFile file = file()) {
      return bytes(file, "picture");
    }
  }

  private static ClipProcessor processor(String json, int side) {
    return ClipProcessor.of(json.getBytes(UTF_8), side);
  }

  @ParameterizedTest
  @EnumSource
  void picturesAreScaledAsPillowDoes(Resampling resampling) throws IOException {
    try (SafetensorsFile file = file()) {
      int compared = 0;
      for (String name : file.header().tensors().keySet()) {
        if (name.startsWith(resampling.name().toLowerCase(java.util.Locale.ROOT))) {
          List<Long> shape = file.header().tensor(name).shape();
          int height = shape.get(0).intValue();
          int width = shape.get(1).intValue();
          assertThat(resampling.scale(picture(), WIDTH, HEIGHT, width, height))
              .as(name)
              .isEqualTo(bytes(file, name));
          compared++;
        }
      }
      assertThat(compared).isEqualTo(5);
    }
  }

  @Test
  void aPictureIsScaledCutAndNormalised() throws IOException {
    try (SafetensorsFile file = file()) {
      float[] expected = file.tensor("planes").load().reshape(-1).toFloatVector();
      assertThat(processor(OF_CLIP, 12).planes(picture(), WIDTH, HEIGHT))
          .containsExactly(expected, Offset.offset(1e-6f));
    }
  }

  @Test
  void whatTheRunsWriteLeavesPicturesOfTheRightSizeAsTheyAre() {
    ClipModel.Config model = Pairs.model(1);
    ClipProcessor processor = ClipProcessor.of(ClipFile.preprocessor(model), Pairs.SIZE);
    byte[] rgb = new byte[3 * Pairs.SIZE * Pairs.SIZE];
    rgb[0] = (byte) 255; // red
    rgb[4] = 51; // green of the second
    float[] planes = processor.planes(rgb, Pairs.SIZE, Pairs.SIZE);
    assertThat(planes[0]).isEqualTo(1);
    assertThat(planes[1]).isEqualTo(-1);
    assertThat(planes[Pairs.SIZE * Pairs.SIZE + 1]).isCloseTo(-0.6f, Offset.offset(1e-6f));
  }

  @Test
  void oldFilesHaveNumbersForSizes() throws IOException {
    String old =
        OF_CLIP
            .replace("{\"shortest_edge\": 16}", "16")
            .replace("{\"height\": 12, \"width\": 12}", "12");
    assertThat(processor(old, 12).planes(picture(), WIDTH, HEIGHT))
        .isEqualTo(processor(OF_CLIP, 12).planes(picture(), WIDTH, HEIGHT));
  }

  private static void refuses(String json, String... words) {
    assertThatThrownBy(() -> processor(json, 12))
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  @Test
  void whatDoesNotLeadToTheModelsPicturesIsRefused() {
    refuses(OF_CLIP.replace("\"width\": 12", "\"width\": 13"), "crop_size", "12 x 12");
    refuses(OF_CLIP.replace("\"shortest_edge\": 16", "\"shortest_edge\": 11"), "at least 12");
    refuses(OF_CLIP.replace("\"resample\": 3", "\"resample\": 1"), "resample=1");
    refuses(OF_CLIP.replace("\"image_mean\"", "\"mean\""), "image_mean=nothing");
    refuses(OF_CLIP.replace("0.27577711", "0"), "image_std", "positive");
    refuses(OF_CLIP.replace("\"rescale_factor\"", "\"factor\""), "rescale_factor=nothing");
    refuses(
        OF_CLIP.replace("\"do_center_crop\": true", "\"do_center_crop\": false"),
        "size=",
        "where do_center_crop is false");
    refuses("{", "is no JSON");
    ClipProcessor unscaled =
        processor(OF_CLIP.replace("\"do_resize\": true", "\"do_resize\": false"), 12);
    assertThatThrownBy(() -> unscaled.planes(new byte[3 * 11 * 20], 11, 20))
        .hasMessageContaining("width=11 height=20, expected at least 12");
  }
}
