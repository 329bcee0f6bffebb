package org.talespark.zoo.attributes;

import java.util.List;

/**
 * What captions name, as the losses need it.
 *
 * @param settings [B], numbers of settings
 * @param settingWeights [B], one where the caption names a setting, else zero
 * @param presence [B * K], one where the caption names the kind, else zero
 * @param presenceWeights [B], one where the caption names a thing, else zero
 * @param colours [B * K], numbers of colours
 * @param colourWeights [B * K], one where the caption names the kind in one colour, else zero
 * @param named captions that name anything
 */
@SuppressWarnings("ArrayRecordComponent")
record AttributeLabels(
    int[] settings,
    float[] settingWeights,
    float[] presence,
    float[] presenceWeights,
    int[] colours,
    float[] colourWeights,
    int named) {

  /**
   * Labels of some captions.
   *
   * @param rows B, at least as many; rows without a caption name nothing
   */
  static AttributeLabels of(CaptionGrammar grammar, List<String> captions, int rows) {
    List<String> kinds = grammar.kinds();
    List<String> names = grammar.settingNames();
    int k = kinds.size();
    int[] settings = new int[rows];
    float[] settingWeights = new float[rows];
    float[] presence = new float[rows * k];
    float[] presenceWeights = new float[rows];
    int[] colours = new int[rows * k];
    float[] colourWeights = new float[rows * k];
    int named = 0;
    for (int i = 0; i < captions.size(); i++) {
      Attributes attributes = grammar.parse(captions.get(i));
      named += attributes.named() ? 1 : 0;
      if (attributes.setting() != null) {
        settings[i] = names.indexOf(attributes.setting());
        settingWeights[i] = 1;
      }
      for (String kind : attributes.kinds()) {
        int at = i * k + kinds.indexOf(kind);
        presence[at] = 1;
        presenceWeights[i] = 1;
        String colour = attributes.colourOf(kind);
        if (colour != null) {
          colours[at] = grammar.colours().indexOf(colour);
          colourWeights[at] = 1;
        }
      }
    }
    return new AttributeLabels(
        settings, settingWeights, presence, presenceWeights, colours, colourWeights, named);
  }
}
