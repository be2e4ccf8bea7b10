"""dsim.io.images: pictures become grey values on a grid."""

import numpy as np
import pytest

from dsim.errors import InputFileError
from dsim.io.images import read_image, resize


@pytest.fixture
def save(tmp_path):
    image = pytest.importorskip('PIL.Image')

    def write(pixels, name='x.png', **how):
        image.fromarray(np.asarray(pixels)).save(tmp_path/name, **how)
        return tmp_path/name

    return write


def test_grey_colour_and_sixteen_bits(save):
    grey = np.array([[0, 255, 51], [102, 153, 204]], np.uint8)
    expected = grey/255.0
    assert np.array_equal(read_image(save(grey)), expected)
    colours = np.repeat(grey[..., None], 3, axis=2)
    assert np.allclose(read_image(save(colours)), expected)
    alpha = np.concatenate([colours, grey[..., None]], axis=2)
    assert np.allclose(read_image(save(alpha)), expected)
    assert np.array_equal(read_image(save(grey.astype(np.uint16)*257)),
                          expected)
    assert read_image(save(grey > 100)).tolist() == [[0, 1, 0], [1, 1, 1]]
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert read_image(save(red))[0, 0] == pytest.approx(0.299)


def test_jpeg_is_read(save):
    flat = np.full((16, 16), 128, np.uint8)
    assert np.allclose(read_image(save(flat, 'x.jpg')), 128/255, atol=0.01)


def test_arrays_are_read(tmp_path):
    path = tmp_path/'x.npy'
    np.save(path, np.array([[0.0, 0.25], [1.0, 0.5]], np.float32))
    assert read_image(path).tolist() == [[0.0, 0.25], [1.0, 0.5]]
    np.save(path, np.array([[0, 255]], np.uint8))
    assert read_image(path).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize('bad, what', [
    (np.array([[0.0, 1.5]]), 'not from 0 to 1'),
    (np.array([[0.0, np.nan]]), 'not from 0 to 1'),
    (np.array([[-3, 4]]), 'not from 0 to 65535'),
    (np.zeros(5), r'\(5,\)'),
    (np.zeros((2, 2, 2)), r'\(2, 2, 2\)'),
    (np.zeros((0, 3)), r'\(0, 3\)'),
    (np.array([['a']]), 'no grey value'),
])
def test_what_is_no_picture_is_an_input_error(tmp_path, bad, what):
    np.save(tmp_path/'x.npy', bad)
    with pytest.raises(InputFileError, match=what):
        read_image(tmp_path/'x.npy')


@pytest.mark.parametrize('name', ['x.png', 'x.npy'])
def test_missing_and_broken_files_are_input_errors(tmp_path, name):
    with pytest.raises(InputFileError, match='no such file'):
        read_image(tmp_path/name)
    (tmp_path/name).write_text('not a picture')
    with pytest.raises(InputFileError, match='cannot be read'):
        read_image(tmp_path/name)


def test_cells_are_means_of_the_area_they_cover():
    image = np.array([[0.0, 1.0, 0.5]])
    assert np.allclose(resize(image, (1, 2)), [[1/3, 2/3]])
    assert np.allclose(resize(image, (1, 1)), [[0.5]])
    assert resize(image, (1, 6)).tolist() == [[0, 0, 1, 1, 0.5, 0.5]]
    assert resize(image, (2, 3)).tolist() == [[0, 1, 0.5]]*2


@pytest.mark.parametrize('shape', [(7, 5), (13, 40), (64, 48), (1, 1)])
def test_resizing_keeps_the_mean_and_flat_pictures(shape):
    image = np.random.default_rng(4).random((31, 24))
    assert resize(image, shape).shape == shape
    assert resize(image, shape).mean() == pytest.approx(image.mean())
    flat = resize(np.ones((31, 24)), shape)
    assert np.array_equal(flat, np.ones(shape))
    assert np.array_equal(resize(image, image.shape), image)
